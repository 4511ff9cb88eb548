"""Every page of the console, an address for each route: no test of all pages forgets a new one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from smsgate import features
from smsgate.content_versions import ContentVersions
from smsgate.features.lists.jobs import ListJobs
from smsgate.process.services import Services
from smsgate.web.console.app import create_console
from tests.fakes.list_worker import uploaded
from tests.fakes.own_services import add_key, make_part

NUMBER = "+14155550123"
LISTS = [page for one in features.modules("operations") for page in getattr(one, "PAGES", ())]
PAGES: Mapping[str, tuple[str, ...]] = {
    **{one.path: (one.path, f"{one.path}?{urlencode(one.operation.example)}") for one in LISTS},
    "/console/": ("/console/",),
    "/console/guide": ("/console/guide",),
    "/console/keywords/new": ("/console/keywords/new?program=alerts",),
    "/console/keywords/sets": ("/console/keywords/sets",),
    "/console/keywords/sets/<name>": ("/console/keywords/sets/en", "/console/keywords/sets/zu"),
    "/console/lists": ("/console/lists",),
    "/console/lists/<id_>": ("/console/lists/{list}",),
    "/console/me": ("/console/me",),
    "/console/me/factor": ("/console/me/factor",),
    "/console/numbers": ("/console/numbers",),
    "/console/numbers/<recorded:number>": (
        f"/console/numbers/{NUMBER}",
        "/console/numbers/+14155559999",
    ),
    "/console/review": ("/console/review", "/console/review?program=none"),
    "/console/setup": ("/console/setup",),
    "/console/setup/accounts/<name>": ("/console/setup/accounts/twilio",),
    "/console/setup/add": ("/console/setup/add", "/console/setup/add?provider=form"),
    "/console/setup/alerts": ("/console/setup/alerts",),
    "/console/setup/doctor": ("/console/setup/doctor",),
    "/console/setup/programs/<name>": ("/console/setup/programs/alerts",),
    "/console/setup/programs/<name>/replies": (
        "/console/setup/programs/alerts/replies",
        "/console/setup/programs/alerts/replies?language=ar",
    ),
    "/console/simulator": ("/console/simulator",),
}
"""By route, as the URL map writes it, addresses for an admin; names in braces are objects."""
PARTS: Mapping[str, str] = {
    "/console/home/now": "/console/home/now",
    "/console/setup/alerts/test": "/console/setup/alerts/test",
}
"""Routes of parts that a page loads by itself."""
OUTSIDE: Mapping[str, str] = {
    "/console/in": "/console/in",
    "/console/in/code": "/console/in/code",
    "/console/password/<token>": "/console/password/x",
}
"""Routes of pages for someone who is not signed in."""
OTHERS = frozenset(
    {
        "/console",
        "/console/assets/<digest>/<name>",
        "/console/badges",
        "/console/in/provider",
        "/console/in/provider/back",
        "/console/lists/<id_>/files/<name>",
    }
)
"""Routes of files, and of what only leads elsewhere."""
ADDRESSES = tuple(address for addresses in PAGES.values() for address in addresses)


@dataclass(frozen=True, slots=True)
class ConsoleObjects:
    """What pages about one thing need."""

    list: str

    def fill(self, address: str) -> str:
        """Put their names into an address."""
        return address.format(list=self.list)


def routes(services: Services) -> set[str]:
    """Every route of the console that a browser gets something from."""
    rules = make_part(services, create_console).url_map.iter_rules()
    return {rule.rule for rule in rules if "GET" in (rule.methods or ())}


def add_objects(services: Services) -> ConsoleObjects:
    """Make a list, an API key, and versions of a keyword set and of replies."""
    jobs = ListJobs(services.settings)
    job = uploaded(jobs, b"name,phone\nAna,+14155550123\n", "admin")
    ContentVersions(services.records, "keywords").add("zu", "", 0, "admin", "a note")
    versions = ContentVersions(services.records, "replies")
    base = len(versions.of("alerts", 99))  # journeys save replies, too
    versions.add("alerts", "", base, "admin", "a note")
    add_key(services.records, "crm", "check", "alerts")
    return ConsoleObjects(job.id)
