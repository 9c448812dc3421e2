"""Declaring the console's routes: each names the one permission it needs, or it cannot be registered (I18).

A module of pages makes one ``Pages`` and decorates its views; ``handlers.console`` registers every module it lists.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

View = Callable[..., Any]

#: For the few pages that work before anyone is signed in.
ANYONE: Final = "anyone"
#: For what every signed-in person may do: leave, change language, change the own password.
SIGNED_IN: Final = "signed-in"

PREFIX: Final = "/console"
FORM_BYTES: Final = 128 * 1024


@dataclass(frozen=True)
class Page:
    """One route and the rule it stands under: ``needs`` is a permission, or several of which one is enough.

    ``live``: an automatic refresh, which does not count as activity (T10). ``confirm``: the password and code must have
    been given within the last minutes (role changes, exports). ``body_limit``: most bytes of a request body (I22).
    """

    path: str
    endpoint: str
    needs: tuple[str, ...]
    methods: tuple[str, ...]
    view: View
    live: bool = False
    confirm: bool = False
    body_limit: int = FORM_BYTES

    def opens_for(self, may: Callable[[str], bool]) -> bool:
        """Whether someone signed in may open it; ``may`` says what their roles allow."""
        return ANYONE in self.needs or SIGNED_IN in self.needs or any(may(need) for need in self.needs)


class Pages:
    """The pages of one module, e.g. ``pages = Pages("groups")`` and ``@pages.page("/groups", needs="groups.see")``."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.pages: list[Page] = []

    def page(
        self,
        path: str,
        *,
        needs: str | tuple[str, ...],
        methods: Sequence[str] = ("GET",),
        live: bool = False,
        confirm: bool = False,
        body_limit: int = FORM_BYTES,
    ) -> Callable[[View], View]:
        """Register the view under ``/console`` + ``path``; its endpoint is ``console.<module>_<view name>``.

        Raises ``ValueError`` for a page without a permission or with a path that does not start with a slash.
        """
        named = (needs,) if isinstance(needs, str) else needs
        if not (named and all(named)):
            raise ValueError(f"the console page {path} names no permission: say needs=... (I18)")
        if not path.startswith("/"):
            raise ValueError(f"the console page {path} must start with '/': it is put under {PREFIX}")

        def declare(view: View) -> View:
            endpoint = f"{self.name}_{view.__name__}"
            if any(page.endpoint == endpoint for page in self.pages):
                raise ValueError(f"two console pages of {self.name} are called {view.__name__}: rename one")
            self.pages.append(Page(path, endpoint, named, tuple(methods), view, live, confirm, body_limit))
            return view

        return declare
