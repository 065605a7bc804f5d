# Two commands for a fresh machine with Python 3.11+ and make: `make demo` and `make test`.
PYTHON ?= python3
# Where `bench` and `bench-explain` measure: cpu, or cuda.
DEVICE ?= cpu
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
export HF_HUB_DISABLE_TELEMETRY := 1
export TOKENIZERS_PARALLELISM := false

.PHONY: demo reports test lint types install bench bench-images bench-audio bench-privacy bench-report bench-statistics bench-explain clean

demo: install ## Run the quick-start suite on the control models and write the report.
	rm -rf runs/demo
	$(BIN)/evalsuite run quickstart --output runs/demo
	$(BIN)/evalsuite report runs/demo --output report.html

test: install ## Run the tests, as many files at once as there are cores, at most four.
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile

reports: install ## Make the sample reports in reports/ again.
	$(BIN)/python benchmarks/gallery/build.py

lint: install ## Check style.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: install ## Check types.
	$(BIN)/mypy

install: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "evalsuite needs Python 3.11 or newer")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[test,sphinx,hub]'
	touch $(STAMP)

clean:
	rm -rf $(VENV) runs report.html

bench: install ## Measure speed side by side with lm-evaluation-harness.
	$(BIN)/python benchmarks/speed/run.py --device $(DEVICE)

bench-images: install .venv-peer/.installed ## Measure image-text speed beside CLIP_benchmark.
	$(BIN)/python benchmarks/speed_images/run.py

bench-audio: install ## Measure audio features, recognisers and embeddings.
	$(BIN)/python benchmarks/speed_audio/mel.py
	$(BIN)/python benchmarks/speed_audio/run.py
	$(BIN)/python benchmarks/speed_audio/embeddings.py

bench-privacy: install ## Measure all membership attacks beside scoring once, and reports of their runs.
	$(BIN)/python benchmarks/speed_privacy/run.py
	$(BIN)/python benchmarks/speed_privacy/reports.py

bench-report: install ## Measure how large a report is, how long it takes to build, how fast it answers.
	$(BIN)/python benchmarks/speed_report/run.py
	$(BIN)/python benchmarks/speed_report/interaction.py

bench-statistics: install ## Measure resampling: 10,000 times 10,000 samples.
	$(BIN)/python benchmarks/speed_statistics/run.py

bench-explain: install ## Measure occlusion of texts beside captum's FeatureAblation.
	$(BIN)/python benchmarks/speed_explain/run.py --device $(DEVICE)

.venv-peer/.installed:
	$(PYTHON) -m venv .venv-peer
	.venv-peer/bin/python -m pip install --quiet --disable-pip-version-check "clip-benchmark>=1.6.1" "torch==2.11.0" "torchvision==0.26.0" "numpy<2.3"
	touch $@
