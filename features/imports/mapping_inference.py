"""Infers a mapping from headers: our field names, and those of known products' exports."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from features.errors import BadMapping
from features.imports.column_mapping import HistoryMapping
from features.imports.product_headers.header_table import (
    ProductHeaders,
    StateCodes,
    header_key,
    keys_of_role,
    known_headers,
)
from features.imports.value_roles import are_labels, roles_by_values

_REPORT_ROLES = ("id", "opened_at", "title", "description", "service", "source")
# In this order: a header that may have two roles gets the first that is still free.
_OUTCOME_ROLES = (
    *("category", "assignment", "severity", "impact", "urgency", "resolution", "runbook_id"),
    *("resolved_at", "duplicate_of", "sla_met", "reassigned"),
)
_MIN_USEFUL = frozenset({"title", "description", "service", "source"})
_REPEATED = re.compile(r"(.+)\.\d+")
# ServiceNow marks the values that people see; some products name the zone of a time, put what a
# record says below one key, or write an object whose name is what counts.
_ADDED = re.compile(
    r"^(?:(?:fields|values|_source|node|attributes|properties|record|document)\.)?"
    r"(?:(?:System|Microsoft\.VSTS\.\w+)\.)?(?=\w)"
    r"|^dv_|\.(?:display_?value|display_?name|name|label|summary)$|\s*\((?:UTC|GMT)\)$",
    re.IGNORECASE,
)
_AUDIT_TRAIL_MARKS = ("number", "sysmodcount")
_NO_CODES = StateCodes()


@dataclass(frozen=True, slots=True)
class Recognition:
    """What the headers of an export say.

    `product` is the product whose headers these are most. `not_used` are columns that are known but
    have no role here, `unknown` are columns that no known product has. `by_values` are the columns
    whose role only their values tell, because the header is not known or means several things.
    """

    mapping: HistoryMapping
    product: str
    not_used: tuple[str, ...]
    unknown: tuple[str, ...]
    by_values: Mapping[str, str] = field(default_factory=dict)

    def warnings(self) -> list[str]:
        """Return warnings that name each missing role and each column without a role."""
        report = self.mapping.report
        warnings = []
        if self.by_values:
            roles = ", ".join(f"{role} = {column}" for role, column in self.by_values.items())
            warnings.append(
                "these headers are not known or mean several things, and only their values tell "
                f"their role: {roles}; state it in a mapping if that is wrong"
            )
        if report.opened_at is None:
            warnings.append(
                "no column says when incidents opened: they are not split by time in evaluation, "
                "and how long they took is not known"
            )
        if report.title is None and report.description is None:
            warnings.append(
                "no column holds a text: answers rest on facts alone, and similar incidents are "
                "not found by what they say"
            )
        if self.unknown:
            warnings.append(
                f"{len(self.unknown)} columns are not understood and not used: "
                f"{', '.join(self.unknown)}; give them a role in a mapping if they matter"
            )
        if self.not_used:
            warnings.append(
                f"{len(self.not_used)} columns are known but not used: {', '.join(self.not_used)}"
            )
        return warnings


def is_caller(column: str) -> bool:
    """Return whether a column names the caller, who is always known at opening.

    >>> is_caller("Caller ID"), is_caller("closed_by")
    (True, False)
    """
    return header_key(column) in keys_of_role("callers")


def recognise_headers(
    columns: Sequence[str], values: Mapping[str, Sequence[str]] | None = None
) -> Recognition:
    """Return the mapping that an export's headers imply, and the columns without a role.

    With `values`, those of unknown columns tell the id, opening time and text where headers do not.

    The product whose headers the export has decides what a header means; headers that it does not
    have mean what they mean elsewhere. A column has one role. Raises `BadMapping` if no title,
    description, service or source is recognised, unless the export is an audit trail.

    >>> recognition = recognise_headers(["Ticket#", "Erstellt", "Betreff", "Queue", "Farbe"])
    >>> recognition.mapping.report.title.column, recognition.unknown
    ('Betreff', ('Farbe',))
    """
    headers = _Headers(columns)
    events = headers.take_events()
    report: dict[str, object] = dict(headers.take_roles(_REPORT_ROLES))
    outcome: dict[str, object] = dict(headers.take_roles(_OUTCOME_ROLES))
    by_values: dict[str, str] = {}
    if events is None and values is not None:
        unknown = {column: values[column] for column in headers.left_over()[1]}
        labels = _category_instead_of_title(report, outcome, values)
        by_values = roles_by_values(unknown, report.keys(), first=columns[0])
        headers.take(by_values.values())
        report |= by_values
        by_values |= labels
    if events is None and not _MIN_USEFUL & report.keys():
        names = ", ".join(columns[:10]) + (", ..." if len(columns) > 10 else "")
        raise BadMapping(
            f"no column with a text or service is recognised ({names}); say what the columns "
            "mean with --mapping"
        )
    if "sla_met" not in outcome:
        outcome |= {"sla_met": headers.take_negated("sla_missed")}
    outcome |= {"state": headers.take_state(outcome.get("resolved_at"))}
    outcome |= {"fields": headers.take_all("fields")}
    report["attributes"] = [*headers.take_all("callers"), *headers.take_all("attributes")]
    if "resolution" not in outcome:
        outcome |= {"comments": headers.take_comments()}
    return Recognition(
        HistoryMapping.model_validate({"report": report, "outcome": outcome, "events": events}),
        headers.product,
        *headers.left_over(),
        by_values,
    )


def _category_instead_of_title(
    report: dict[str, object], outcome: dict[str, object], values: Mapping[str, Sequence[str]]
) -> dict[str, str]:
    """Make a title that repeats a category, where its header may mean both; return its column.

    In Swedish `Rubrik` is a title, in German a category.
    """
    title = report.get("title")
    if not isinstance(title, str) or "category" in outcome or not are_labels(values[title]):
        return {}
    if header_key(title) not in keys_of_role("category"):
        return {}
    outcome["category"] = report.pop("title")
    return {"category": title}


class _Headers:
    """The headers of an export that have no role yet."""

    def __init__(self, columns: Sequence[str]) -> None:
        self._columns: dict[str, list[str]] = {}
        for column in columns:
            self._columns.setdefault(_key_of(column, columns), []).append(column)
        self._products = _ranked(self._columns)
        self._owners = {
            key: product
            for product in reversed(self._products)
            for key in self._columns.keys() & product.keys
        }
        self.product = self._products[0].product

    def take(self, taken: Collection[str]) -> None:
        """Take columns whose role is known otherwise."""
        for key, names in self._columns.items():
            self._columns[key] = [name for name in names if name not in taken]

    def take_events(self) -> dict[str, str] | None:
        """Take the columns of an audit trail of ServiceNow."""
        number, order = (self._columns.get(key) for key in _AUDIT_TRAIL_MARKS)
        if self.product != "servicenow" or not number or not order:
            return None
        return {"group_by": number[0], "order_by": order.pop(0)}

    def take_roles(self, roles: Iterable[str]) -> Iterator[tuple[str, str]]:
        """Take one column for each role that has one."""
        for role in roles:
            key = next(self._keys_of(role), None)
            if key is not None:
                yield role, self._columns[key].pop(0)

    def take_negated(self, role: str) -> dict[str, object] | None:
        """Take the column that says the opposite of what is wanted."""
        key = next(self._keys_of(role), None)
        return None if key is None else {"column": self._columns[key].pop(0), "negated": True}

    def take_all(self, role: str) -> list[str]:
        """Take the first column of each header that has a role."""
        return [self._columns[key].pop(0) for key in list(self._keys_of(role))]

    def take_state(self, resolved_at: object) -> dict[str, object] | None:
        """Take the column of the state, or share the end time where only this tells the state."""
        key = next(self._keys_of("state"), None)
        if key is not None:
            return _state_column(self._columns[key].pop(0), self._owners[key].states.get(key))
        if isinstance(resolved_at, str):
            key = header_key(resolved_at)
            codes = self._owners[key].states.get(key)
            if codes is not None and codes.open == ("",):
                return _state_column(resolved_at, codes)
        return None

    def take_comments(self) -> dict[str, object] | None:
        """Take all columns of comments, and those that name who resolved the incident."""
        keys = list(self._keys_of("comments"))
        columns = [column for key in keys for column in self._columns[key]]
        resolvers = [self._columns[key][0] for key in self._keys_of("resolvers")]
        if not columns or not resolvers:
            return None
        self.take({*columns, *resolvers})
        return {"columns": columns, "resolvers": resolvers}

    def left_over(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return the known and the unknown columns without a role."""
        left: dict[bool, list[str]] = {True: [], False: []}
        for key, names in self._columns.items():
            left[key in self._owners] += names
        return tuple(left[True]), tuple(left[False])

    def _keys_of(self, role: str) -> Iterator[str]:
        for product in self._products:
            for key in product.roles.get(role, ()):
                if self._columns.get(key) and self._owners[key] is product:
                    yield key


def _key_of(column: str, columns: Sequence[str]) -> str:
    """Return the key of a header; the reader names a repeated `Comment` `Comment.1`."""
    match = _REPEATED.fullmatch(column)
    name = match[1] if match and match[1] in columns else column
    key = header_key(name)
    return key if any(key in product.keys for product in known_headers()) else _bare_key(name)


def _bare_key(name: str) -> str:
    return header_key(_ADDED.sub("", name))


def _ranked(columns: Mapping[str, object]) -> list[ProductHeaders]:
    """Return the products, first the one whose headers these are most.

    A header counts the more, the fewer products have it. Names of no product in particular come
    last.
    """
    products = known_headers()
    shares = {key: 1 / max(1, sum(key in product.keys for product in products)) for key in columns}
    scores = {
        product.product: sum(share for key, share in shares.items() if key in product.keys)
        for product in products
    }
    return sorted(products, key=lambda product: (product.is_fallback, -scores[product.product]))


def _state_column(column: str, codes: StateCodes | None) -> dict[str, object]:
    codes = codes or _NO_CODES
    return {"column": column, "open": codes.open, "resolved": codes.resolved}
