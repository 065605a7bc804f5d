"""``python -m evalsuite.cli`` is ``evalsuite``."""

from evalsuite.cli import main

main()
