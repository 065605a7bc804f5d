"""A page in a browser, read and used as a reader would."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Opened:
    """A page in a browser; script is its, so that what is read is what a reader sees."""

    browser: Any
    address: str

    def go(self, hash_: str = "") -> Opened:
        """Load the page anew at a deep link, and wait until the samples are unpacked."""
        self.browser.get("about:blank")
        self.browser.get(f"{self.address}{hash_}")
        return self.unpacked()

    def unpacked(self) -> Opened:
        """Wait until the samples are there."""
        waiting = "const done = arguments[0]; (function look() { data ? done() : setTimeout(look, 10); })()"
        self.browser.execute_async_script(waiting)
        return self

    def run(self, script: str, *given: Any) -> Any:
        """What a script returns, once the events that it caused are over."""
        body = (
            f"const done = arguments[arguments.length - 1]; const value = (() => {{ {script} }})();"
        )
        later = "setTimeout(() => requestAnimationFrame(() => setTimeout(() => done(value))));"
        return self.browser.execute_async_script(body + later, *given)

    def choose(self, identifier: str, value: str) -> Opened:
        """Set a field as a reader would, by its event."""
        self.run(
            "const at = by(arguments[0]); at.value = arguments[1];"
            "at.dispatchEvent(new Event('input'));",
            identifier,
            value,
        )
        return self

    def press(self, *keys: str) -> Opened:
        """Type on the keyboard."""
        for key in keys:
            self.browser.switch_to.active_element.send_keys(key)
            self.run("return 0")
        return self

    def text(self, selector: str) -> str:
        return str(self.run(f"return document.querySelector({selector!r})?.innerText ?? ''"))

    @property
    def ids(self) -> list[str]:
        """Ids of the samples that are listed."""
        return list(self.run("return rows().map((made) => made.dataset.id)"))

    @property
    def count(self) -> str:
        return self.text("#count")

    @property
    def hash(self) -> str:
        return str(self.run("return location.hash"))

    @property
    def complaints(self) -> list[str]:
        """Errors and breaches of the content security policy since last asked."""
        return [entry["message"] for entry in self.browser.get_log("browser")]
