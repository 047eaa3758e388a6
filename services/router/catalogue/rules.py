"""Owns the rules that come as YAML: processes with their nodes, the work-order state table, classification weights."""

from functools import cached_property
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from contracts.events.intake import CaseType
from contracts.events.router import Node
from services.router.catalogue.entries import Category, Limit

Role = Literal["handler", "unit_manager", "dispatcher", "reviewer", "system"]
OF_CATEGORY = "of_category"
CLOSED = "closed"
"""The state of an order whose case is closed; only another round leaves it."""


class Rules(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ProcessNode(Rules):
    """One step: `name` for staff, `label` for the citizen."""

    key: Annotated[str, Field(pattern=r"^[a-z_]{2,30}$")]
    name: Annotated[str, Field(min_length=2, max_length=12)]
    label: Annotated[str, Field(min_length=2, max_length=20)]


class Process(Rules):
    code: Annotated[str, Field(pattern=r"^[a-z_]{2,30}$")]
    name: str
    nodes: Annotated[tuple[ProcessNode, ...], Field(min_length=2, max_length=13)]

    @cached_property
    def for_citizen(self) -> tuple[Node, ...]:
        """The nodes as an event carries them."""
        return tuple(Node(key=node.key, label=node.label) for node in self.nodes)


class ProcessRule(Rules):
    types: tuple[CaseType, ...]
    process: str


class Processes(Rules):
    """Which process a case follows: the first rule for its type, which may leave it to the category."""

    processes: Annotated[tuple[Process, ...], Field(min_length=1)]
    rules: tuple[ProcessRule, ...]
    default: str

    @model_validator(mode="after")
    def _known(self) -> Self:
        codes = {process.code for process in self.processes}
        if len(codes) != len(self.processes):
            raise ValueError("a process code occurs twice")
        if unknown := {rule.process for rule in self.rules} - codes - {OF_CATEGORY} | ({self.default} - codes):
            raise ValueError(f"unknown process {', '.join(sorted(unknown))}")
        for process in self.processes:
            if len({node.key for node in process.nodes}) != len(process.nodes):
                raise ValueError(f"process {process.code} names a node twice")
        return self

    def __contains__(self, code: object) -> bool:
        return any(process.code == code for process in self.processes)

    def get(self, code: str) -> Process:
        return next(process for process in self.processes if process.code == code)

    def for_case(self, type_code: CaseType, category: Category) -> Process:
        chosen = next((rule.process for rule in self.rules if type_code in rule.types), self.default)
        return self.get(category.process_code if chosen == OF_CATEGORY else chosen)


class OrderState(Rules):
    key: str
    name: str
    final: bool = False


class Move(Rules):
    from_states: Annotated[tuple[str, ...], Field(alias="from", min_length=1)]
    to: str


class OrderAction(Rules):
    """One row of the state table: what may be done, from where to where, by whom, and what it says on the bus."""

    name: Annotated[str, Field(pattern=r"^[a-z_]{2,30}$")]
    title: str
    outcome: str | None = None
    moves: Annotated[tuple[Move, ...], Field(min_length=1)]
    roles: Annotated[tuple[Role, ...], Field(min_length=1)]
    own_unit: bool
    new_order: bool = False
    """The order ends here, and another one, in the first state, goes on."""
    emits: Annotated[tuple[str, ...], Field(min_length=1)]

    def target(self, state: str) -> str | None:
        """The state after this action, or None when it is not allowed from `state`."""
        return next((move.to for move in self.moves if state in move.from_states), None)


class ReturnReason(Rules):
    code: Annotated[str, Field(pattern=r"^[a-z_]{2,30}$")]
    zh: str
    en: str


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


class OrderTable(Rules):
    """The work order's life as data."""

    states: tuple[OrderState, ...]
    initial: str
    actions: tuple[OrderAction, ...]
    returns: ReturnRules
    rework: ReworkRules

    @model_validator(mode="after")
    def _closed(self) -> Self:
        known = {state.key for state in self.states}
        final = {state.key for state in self.states if state.final}
        named = {self.initial} | {move.to for action in self.actions for move in action.moves}
        left = {state for action in self.actions for move in action.moves for state in move.from_states}
        if unknown := (named | left) - known:
            raise ValueError(f"unknown state {', '.join(sorted(unknown))}")
        if leaving := left & final:
            raise ValueError(f"a final state is left: {', '.join(sorted(leaving))}")
        if unreached := known - named:
            raise ValueError(f"no action reaches {', '.join(sorted(unreached))}")
        if stuck := known - final - left:
            raise ValueError(f"no action leaves {', '.join(sorted(stuck))}")
        if len({(action.name, action.outcome) for action in self.actions}) != len(self.actions):
            raise ValueError("an action occurs twice")
        return self

    @cached_property
    def over(self) -> frozenset[str]:
        """States in which nobody has to act any more: the final ones, and closed."""
        return frozenset(state.key for state in self.states if state.final) | {CLOSED}

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


class Scoring(Rules):
    weight_by_length: Annotated[tuple[float, ...], Field(min_length=2)]
    combination_share: Annotated[float, Field(gt=0, le=1)]
    further_word_share: Annotated[float, Field(ge=0, le=1)]
    title_factor: Annotated[float, Field(ge=1)]
    exclude_factor: Annotated[float, Field(ge=0)]
    type_bonus: Annotated[float, Field(ge=0)]
    other_than_praise_share: Annotated[float, Field(ge=0, le=1)]
    shared_word_loss: Annotated[float, Field(ge=0)]

    def weight(self, word: str) -> float:
        """What a word weighs; a combination `a+b` weighs a share of a phrase as long as itself, its sign included."""
        weight = self.weight_by_length[min(len(word), len(self.weight_by_length) - 1)]
        return weight * self.combination_share if "+" in word else weight


class ConfidenceRules(Rules):
    full_score: Annotated[float, Field(gt=0)]
    margin_floor: Annotated[float, Field(ge=0, le=1)]
    full_margin: Annotated[float, Field(gt=0, le=1)]


class TypeRules(Rules):
    default: CaseType
    base: Annotated[float, Field(ge=0)]
    title_factor: Annotated[float, Field(ge=1)]
    markers: dict[CaseType, dict[str, Annotated[float, Field(gt=0)]]]


class NonsenseRules(Rules):
    min_meaningful_chars: Annotated[int, Field(ge=0)]
    min_distinct_chars: Annotated[int, Field(ge=0)]
    max_key_mash_chars: Annotated[int, Field(ge=0)]
    phrases: tuple[str, ...]


class StandardRules(Rules):
    silent_words: tuple[str, ...] = ()
    """Words in which the short keywords of standards mean nothing: 响 in 影响."""


class LearnedRules(Rules):
    """From which confidence a model's guess is taken without a person."""

    category: Annotated[float, Field(gt=0, le=1)] = 0.8
    """For a third-level category."""
    agreeing: Annotated[float, Field(gt=0, le=1)] = 0.5
    """For one the rules think likeliest too, though they are not sure."""
    main_class: Annotated[float, Field(gt=0, le=1)] = 0.9
    """For the first-level class, which is then told to the dispatcher."""


ClassCode = Annotated[str, Field(pattern=r"^[0-9]{2}$")]


class ContextClue(Rules):
    """Speaks for some first-level classes, where words already speak for one of their categories."""

    classes: tuple[ClassCode, ...] = Field(min_length=1)
    bonus: Annotated[float, Field(gt=0, le=1)]


class PlaceClue(ContextClue):
    words: tuple[str, ...] = Field(min_length=1)


class ContextRules(Rules):
    """What is known of a request beside its words: the channel it really came by, and what kind of place it names."""

    channels: dict[str, ContextClue] = {}
    places: tuple[PlaceClue, ...] = ()


class ClassificationRules(Rules):
    """Weights, markers and the threshold below which a person decides."""

    threshold: Annotated[float, Field(gt=0, le=1)]
    max_chars: Annotated[int, Field(ge=50)]
    max_candidates: Annotated[int, Field(ge=1, le=20)]
    scoring: Scoring
    confidence: ConfidenceRules
    types: TypeRules
    nonsense: NonsenseRules
    context: ContextRules = ContextRules()
    standards: StandardRules = StandardRules()
    learned: LearnedRules = LearnedRules()
