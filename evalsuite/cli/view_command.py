"""``evalsuite view``: look at runs in a browser, also while they go on."""

from __future__ import annotations

import sys
import tempfile
import threading
import webbrowser
from pathlib import Path

import click

from evalsuite.cli.conventions import echo, notes


@click.command("view", short_help="Look at runs in a browser, also while they go on.")
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--serve", is_flag=True, help="Serve a page that follows the run; Ctrl-C ends it.")
@click.option(
    "--port",
    default=0,
    type=click.IntRange(0, 65535),
    help="Of --serve, on 127.0.0.1; a free one by default.",
)
@click.option("--no-open", is_flag=True, help="Only print where it is.")
def command(runs: tuple[Path, ...], serve: bool, port: int, no_open: bool) -> None:
    """Make the page of RUNS (run directories, the baseline first) and open it in a browser.

    \b
    evalsuite view runs/first                    a file in the folder for temporary files
    evalsuite view runs/first --serve            follows a run that goes on

    A run that has not finished is shown as far as its answers go. Without --serve the page is a
    file like that of `evalsuite report`. With it, a server that this machine alone can reach sends
    the page and a newer one whenever there is more to see.
    """  # noqa: D301
    from evalsuite.view import make_page

    if serve:
        _serve(runs, port, no_open)
        return
    path = Path(tempfile.mkdtemp(prefix="evalsuite-")) / "report.html"
    path.write_bytes(make_page(runs))
    echo(str(path))
    _show(path.as_uri(), no_open)


def _serve(runs: tuple[Path, ...], port: int, no_open: bool) -> None:
    from evalsuite.view import LivePage, make_server

    live = LivePage(runs)
    with make_server(live, port) as server:
        address = f"http://{server.server_address[0]!s}:{server.server_address[1]}/"
        echo(address)
        sys.stdout.flush()  # whoever reads a pipe waits for it
        notes().print("Serving to this machine only; Ctrl-C ends it.")
        threading.Thread(target=live.keep_fresh, daemon=True).start()
        _show(address, no_open)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            notes().print("The server has ended; the runs are as they were.")
        finally:
            live.stop()


def _show(address: str, no_open: bool) -> None:
    if not no_open and not webbrowser.open(address):
        notes().print("No browser could be opened; open the address above yourself.")
