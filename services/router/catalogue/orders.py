"""Owns the work order's life as data: states, moves, who may, which guards ask, and the rules beside the table."""

from functools import cached_property
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from contracts.events.intake import CaseType
from services.router.catalogue.entries import Grade, Limit
from services.router.catalogue.rules import Dated, Rules

Role = Literal["handler", "unit_manager", "grid_officer", "dispatcher", "reviewer", "ruling_panel", "system"]
OrderRole = Literal["lead", "co", "sub"]
TaskKind = Literal["verify", "check", "guard", "account"]
Guard = Literal[
    "children_done",
    "closing_condition",
    "in_return_window",
    "lead_not_taken",
    "no_open_ruling",
    "not_designated",
    "open_ruling",
    "photos_beside",
    "returned_too_often",
    "tasks_done",
    "under_return_caps",
    "units_below",
]
"""What is asked beside state, holder and role; `services/router/domain/guards.py` has a function for each."""

_FIRST_GUARDS: dict[str, tuple[Guard, ...]] = {
    "return": ("under_return_caps", "in_return_window"),
    "resolve": ("photos_beside",),
}
"""What tables from before guards had names meant all the same."""
_Code = Annotated[str, Field(pattern=r"^[a-z_]{2,30}$")]

CLOSED = "closed"
"""The state of an order whose case is closed; only another round leaves it."""


class OrderState(Dated):
    key: str
    name: str
    final: bool = False


class Move(Rules):
    from_states: Annotated[tuple[str, ...], Field(alias="from", min_length=1)]
    to: str


class OrderAction(Dated):
    """One row of the state table: what may be done, from where to where, by whom, and what it says on the bus."""

    name: _Code
    title: str
    outcome: str | None = None
    moves: tuple[Move, ...] = ()
    stays: tuple[str, ...] = ()
    """States in which it may be done without leaving them, or from which it leads back to where the order was."""
    roles: Annotated[tuple[Role, ...], Field(min_length=1)]
    own_unit: bool
    holder: Literal["self", "parent"] = "self"
    """Whose people act where `own_unit` says so: the order's own unit, or the one that gave the order on."""
    of: tuple[OrderRole, ...] = ("lead", "co", "sub")
    """Orders it can be done to."""
    processes: tuple[str, ...] = ()
    """Only in these; empty for all."""
    not_in: tuple[str, ...] = ()
    guards: tuple[Guard, ...] = ()
    new_order: bool = False
    """The order ends here, and another one, in the first state, goes on."""
    emits: tuple[str, ...]

    @model_validator(mode="before")
    @classmethod
    def _guards_of_old(cls, row: object) -> object:
        if isinstance(row, dict) and "guards" not in row and row.get("name") in _FIRST_GUARDS:
            return {**row, "guards": _FIRST_GUARDS[row["name"]]}
        return row

    @model_validator(mode="after")
    def _leads_somewhere(self) -> Self:
        if not self.moves and not self.stays:
            raise ValueError(f"{self.name} can be done in no state")
        return self

    def target(self, state: str) -> str | None:
        """The state after this action, or None when it is not allowed from `state`."""
        if state in self.stays:
            return state
        return next((move.to for move in self.moves if state in move.from_states), None)

    def in_process(self, code: str | None) -> bool:
        return (not self.processes or code in self.processes) and code not in self.not_in


class ReturnReason(Rules):
    code: _Code
    zh: str
    en: str
    evidence: bool = False
    """True where it must be shown, not only said."""


class ReturnRules(Rules):
    """退件: how early, how often and why a unit may give an order back."""

    return_window: Limit
    max_per_unit: Annotated[int, Field(ge=0)]
    max_per_case: Annotated[int, Field(ge=0)]
    reasons: Annotated[tuple[ReturnReason, ...], Field(min_length=1)]

    def reason(self, code: str) -> ReturnReason | None:
        return next((reason for reason in self.reasons if reason.code == code), None)


class ReworkRules(Rules):
    max_automatic: Annotated[int, Field(ge=0)]


class TerminationReason(Rules):
    code: _Code
    zh: str
    """As its citizen reads it; what the unit adds follows."""
    en: str


class RepairRules(Rules):
    """先抢修再问责: which matters are repaired before anything is checked."""

    categories: tuple[str, ...] = ()
    confidence: Annotated[float, Field(ge=0, le=1)] = 0.5
    """From here on a guess is enough; a person need not have looked first."""
    account_to: Literal["lead", "fallback"] = "lead"
    """Who settles afterwards who is liable and who pays."""


class TaskRule(Rules):
    """One kind of task: who may give it, how long it has, and when it is given without anybody asking."""

    title: str
    minutes: Annotated[int, Field(ge=1)] | None = None
    given_by: tuple[Role, ...]
    done_by: tuple[Role, ...]
    outcomes: Annotated[tuple[str, ...], Field(min_length=1)]
    passed: tuple[str, ...] = ()
    """Outcomes with which the case may go on."""
    photo_required: bool = False
    categories: tuple[str, ...] = ()
    grades: tuple[Grade, ...] = ()
    types: tuple[CaseType, ...] = ()

    def by_rule(self, category_code: str | None, grade: str | None, type_code: str) -> bool:
        if self.types and type_code not in self.types:
            return False
        return category_code in self.categories or grade in self.grades


class OrderTable(Rules):
    """The work order's life as data."""

    states: tuple[OrderState, ...]
    initial: str
    actions: tuple[OrderAction, ...]
    returns: ReturnRules
    rework: ReworkRules
    terminations: tuple[TerminationReason, ...] = ()
    repair: RepairRules = RepairRules()
    tasks: dict[TaskKind, TaskRule] = Field(default={})

    @model_validator(mode="after")
    def _closed(self) -> Self:
        self.check()
        return self

    def check(self) -> None:
        """Raises `ValueError` where states and moves do not fit together."""
        known = {state.key for state in self.states}
        final = {state.key for state in self.states if state.final}
        named = {self.initial} | {move.to for action in self.actions for move in action.moves}
        left = {state for action in self.actions for move in action.moves for state in move.from_states}
        if unknown := (named | left | {state for action in self.actions for state in action.stays}) - known:
            raise ValueError(f"unknown state {', '.join(sorted(unknown))}")
        if leaving := left & final:
            raise ValueError(f"a final state is left: {', '.join(sorted(leaving))}")
        if unreached := known - named:
            raise ValueError(f"no action reaches {', '.join(sorted(unreached))}")
        if stuck := known - final - left:
            raise ValueError(f"no action leaves {', '.join(sorted(stuck))}")
        if len({(action.name, action.outcome, action.since) for action in self.actions}) != len(self.actions):
            raise ValueError("an action occurs twice")

    def cut(self, year: str) -> "OrderTable":
        """What the edition of this year has; checked like a table of its own."""
        actions = tuple(action for action in self.actions if action.holds(year))
        states = tuple(state for state in self.states if state.holds(year))
        names = [(action.name, action.outcome) for action in actions]
        if len(set(names)) != len(names):
            raise ValueError(f"an action occurs twice in {year}")
        cut = self._with(actions=actions, states=states)
        cut.check()
        return cut

    def _with(self, **other: object) -> "OrderTable":
        return OrderTable.model_construct(**{name: getattr(self, name) for name in OrderTable.model_fields} | other)

    @cached_property
    def narrowed(self) -> "dict[str | None, OrderTable]":
        return {}

    def of_process(self, code: str | None) -> "OrderTable":
        """The rows a case of this process goes by; all of them where it has no process yet."""
        if code is None:
            return self
        found = self.narrowed.get(code)
        if found is None:
            actions = tuple(action for action in self.actions if action.in_process(code))
            found = self.narrowed[code] = self._with(actions=actions)
        return found

    def state(self, key: str) -> OrderState | None:
        return next((state for state in self.states if state.key == key), None)

    @cached_property
    def final(self) -> frozenset[str]:
        return frozenset(state.key for state in self.states if state.final)

    @cached_property
    def over(self) -> frozenset[str]:
        """States in which nobody has to act any more: the final ones, and closed."""
        return self.final | {CLOSED}

    @cached_property
    def answered(self) -> frozenset[str]:
        """States in which the unit has done its part: nothing is late any more, unless the review sends it back."""
        done = (self.action("resolve"), self.action("review", "approve"))
        return frozenset(move.to for action in done if action is not None for move in action.moves)

    def action(self, name: str, outcome: str | None = None) -> OrderAction | None:
        return next((a for a in self.actions if a.name == name and a.outcome == outcome), None)

    def target(self, name: str, state: str, outcome: str | None = None) -> str | None:
        """The state after `name` from `state`, or None when that is not allowed."""
        action = self.action(name, outcome)
        return action.target(state) if action else None

    def termination(self, code: str) -> TerminationReason | None:
        return next((reason for reason in self.terminations if reason.code == code), None)
