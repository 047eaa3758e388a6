"""Owns the rules that come as YAML: processes with their nodes, classification weights; orders are in `orders.py`."""

from functools import cached_property
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from contracts.events.intake import CaseType
from contracts.events.router import Node
from services.router.catalogue.entries import Category

OF_CATEGORY = "of_category"


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
    lead_only: bool = False
    """One unit answers; nobody is asked to help."""

    @cached_property
    def for_citizen(self) -> tuple[Node, ...]:
        """The nodes as an event carries them."""
        return tuple(Node(key=node.key, label=node.label) for node in self.nodes)


class Dated(Rules):
    """A row that some editions have and others have not."""

    since: Annotated[str, Field(pattern=r"^([0-9]{4})?$")] = ""
    """The year of the first edition that has it; empty where all earlier ones do."""
    until: Annotated[str, Field(pattern=r"^([0-9]{4})?$")] = ""
    """The year of the edition that has it no more."""

    def holds(self, year: str) -> bool:
        return self.since <= year and (not self.until or year < self.until)


class ProcessRule(Dated):
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

    def cut(self, year: str) -> "Processes":
        """What the edition of this year has."""
        return self.model_copy(update={"rules": tuple(rule for rule in self.rules if rule.holds(year))})

    def for_case(self, type_code: CaseType, category: Category) -> Process:
        chosen = next((rule.process for rule in self.rules if type_code in rule.types), self.default)
        return self.get(category.process_code if chosen == OF_CATEGORY else chosen)


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
