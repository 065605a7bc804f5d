"""``python -m evalsuite`` is ``evalsuite``."""

from evalsuite.cli import main

main()
