"""Explanations of random models: weights come back, magnitude fails, gradients pass."""

from __future__ import annotations

from copy import deepcopy
from functools import cache

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr

from evalsuite import DifferentiableView, LoadSettings, RequestFailed, UsageError
from evalsuite.factories import loader_for
from evalsuite.model import answer_batch
from evalsuite.registry import installed
from evalsuite.testing import play
from evalsuite_controls.sources import AnimalSentences, Digits, Reviews
from evalsuite_explain.explainers.altered import layers_of, nearby, redrawn
from evalsuite_explain.explainers.gradients import input_magnitude, input_x_gradient, saliency
from evalsuite_explain.measures.agreement import spearman
from evalsuite_explain.probes.sanity import Sanity

GRADIENT = "evalsuite_explain.explainers.gradients:input_x_gradient"


class Stacked(torch.nn.Module):
    """Two layers, named against the order in which they run, a bare weight, and one left out."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.b_first = torch.nn.Linear(1, 4)
        self.a_second = torch.nn.Linear(4, 4)
        self.scale = torch.nn.Parameter(torch.randn(4))
        self.unused = torch.nn.Linear(4, 4)

    def forward(self, x):
        hidden = self.a_second(torch.tanh(self.b_first(x)))
        return (hidden * self.scale).sum((1, 2))


def view_of(module):
    inputs = torch.tensor([[[1.0], [2.0], [-1.0]]])
    spans = tuple((i, i + 1) for i in range(3))
    return DifferentiableView(
        inputs, torch.zeros_like(inputs), module, spans, module=module, trace=None
    )


def state(module):
    return {name: value.clone() for name, value in module.state_dict().items()}


def test_layers_stand_in_the_order_of_execution():
    module = Stacked().requires_grad_(False)
    own = {id(weight): name for name, weight in module.named_parameters()}
    names = [{own[id(weight)] for weight in layer} for layer in layers_of(view_of(module))]
    assert names == [
        {"b_first.weight", "b_first.bias"},
        {"a_second.weight", "a_second.bias"},
        {"scale"},
    ]
    assert not any(weight.requires_grad for weight in module.parameters())


def test_weights_come_back_bit_for_bit():
    module = Stacked()
    before, view = state(module), view_of(module)
    intact = input_x_gradient(view)
    assert redrawn(view, explainer=GRADIENT, share=1.0, draw=1) != intact
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())
    assert input_x_gradient(view) == intact


def test_weights_come_back_after_an_explainer_that_fails():
    module = Stacked()
    before = state(module)
    with pytest.raises(RequestFailed):
        redrawn(
            view_of(module),
            explainer="evalsuite_explain.explainers.attention:relevance",
            share=1.0,
            draw=1,
        )
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())


def test_the_layers_next_to_the_output_go_first():
    module, seen = Stacked(), []
    before = state(module)

    def output(x):
        seen.append({n for n, v in module.state_dict().items() if not torch.equal(v, before[n])})
        return module(x)

    view = view_of(module)
    view = DifferentiableView(view.inputs, view.baseline, output, view.spans, module=module)
    redrawn(view, explainer=GRADIENT, share=0.4, draw=1)
    # two of three layers, rounded up from 1.2
    assert seen[-1] == {"scale", "a_second.weight", "a_second.bias"}


@pytest.mark.parametrize(("share", "redrawn_layers"), [(0.5, (2,)), (1.0, (0, 2))])
def test_what_is_lost_is_what_a_plain_loop_finds(share, redrawn_layers):
    # saliency of sixteen numbers by an intact network and one whose layers are drawn anew
    torch.manual_seed(0)
    network = torch.nn.Sequential(
        torch.nn.Linear(16, 8, bias=False), torch.nn.ReLU(), torch.nn.Linear(8, 3, bias=False)
    )
    points = torch.randn(4, 16)
    generator, other = torch.Generator().manual_seed(3), deepcopy(network)
    for i in redrawn_layers:
        own = network[i].weight.detach()
        drawn = torch.randn(own.shape, generator=generator) * own.std(correction=0) + own.mean()
        other[i].weight.data = drawn

    def plain(module, point):
        leaf = point.clone().requires_grad_()
        (gradient,) = torch.autograd.grad(module(leaf)[1], leaf)
        return gradient.abs().numpy()

    explained = "evalsuite_explain.explainers.gradients:saliency"
    for point in points:
        spans = tuple((i, i + 1) for i in range(16))
        view = DifferentiableView(
            point.reshape(1, 16, 1),
            torch.zeros(1, 16, 1),
            lambda x: network(x[:, :, 0])[:, 1],
            spans,
            module=network,
        )
        before = saliency(view).scores
        after = redrawn(view, explainer=explained, share=share, draw=3).scores
        theirs = spearmanr(plain(network, point), plain(other, point)).statistic
        assert spearman(np.array(before), np.array(after)) == pytest.approx(theirs, abs=1e-6)


def test_the_same_draw_gives_the_same_model():
    view = view_of(Stacked())
    one, same, other = (
        redrawn(view, explainer=GRADIENT, share=1.0, draw=draw) for draw in (1, 1, 2)
    )
    assert one == same != other


def test_an_unmoved_input_has_the_same_explanation():
    view = view_of(Stacked())
    assert nearby(view, explainer=GRADIENT, radius=0.0, draw=1) == input_x_gradient(view)
    assert nearby(view, explainer=GRADIENT, radius=0.1, draw=1) != input_x_gradient(view)


def test_a_model_without_open_weights_says_so():
    view = view_of(Stacked())
    closed = DifferentiableView(
        view.inputs, view.baseline, lambda x: x.sum((1, 2)), view.spans, module=torch.nn.Identity()
    )
    with pytest.raises(RequestFailed, match="quantization"):
        redrawn(closed, explainer=GRADIENT, share=1.0, draw=1)


@pytest.mark.parametrize(
    ("options", "told"),
    [({"explainer": "occlusion"}, "asks for answers only"), ({"shares": (0.5,)}, "end with 1")],
)
def test_what_cannot_be_checked_is_refused(options, told):
    with pytest.raises(UsageError, match=told):
        Sanity(**options)


@cache
def control(name):
    loader, reference = loader_for(f"control:{name}", installed())
    return loader.load(reference, LoadSettings(device="cpu"))


OF_CLASS = {"medium": "image", "target": "class", "subject": {"templates": ["the digit {}"]}}
CASES = [
    ("classifier-clean", Reviews(limit=8), {}),
    ("text-clean", AnimalSentences(limit=8), {"target": "continuation"}),
    ("digits-clean", Digits(limit=8), OF_CLASS),
]


@pytest.mark.parametrize(("name", "source", "options"), CASES)
def test_magnitude_fails_and_integrated_gradients_pass(name, source, options):
    model = control(name)
    fingerprint, before = model.fingerprint, state(model.module)
    losses = {}
    for explainer in ("input_magnitude", "integrated_gradients"):
        asking = Sanity(
            explainer=explainer,
            shares=(1.0,),
            n_nearby=1,
            settings={"n_steps": 8} if explainer == "integrated_gradients" else {},
            **options,
        )
        played = play(asking, list(source.rows()), lambda r: answer_batch(model, [r])[0])
        assert not played.failures
        losses[explainer] = played.estimate("explanation lost with the weights")
    assert losses["input_magnitude"].value == pytest.approx(0.0, abs=1e-9)
    assert losses["input_magnitude"].verdict == "compatible with null"
    assert losses["integrated_gradients"].verdict == "differs from null"
    assert model.fingerprint == fingerprint
    assert all(torch.equal(v, before[n]) for n, v in model.module.state_dict().items())


def test_magnitude_does_not_ask_the_model():
    module = Stacked()
    view = view_of(module)
    path = "evalsuite_explain.explainers.gradients:input_magnitude"
    found = redrawn(view, explainer=path, share=1.0, draw=3)
    assert np.allclose(found.scores, input_magnitude(view).scores)
