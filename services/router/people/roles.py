"""Owns the rules about people (`catalog/roles.yaml`): roles, what shuts what out, passwords, second factors."""

from collections.abc import Collection
from functools import lru_cache
from itertools import combinations
from pathlib import Path
from typing import Annotated, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

from shared.errors import Conflict, FieldError, InvalidInput

SHIPPED = Path(__file__).parents[1] / "catalog" / "roles.yaml"
Code = Annotated[str, Field(pattern=r"^[a-z_]{2,30}$")]


class RoleUnknown(InvalidInput):
    """There is no such role, or it is not one to be granted."""

    zh = "没有这个岗位，或该岗位不能在此授予"


class UnitNeeded(InvalidInput):
    """This role is held for a unit: name the unit."""

    zh = "该岗位须指定所属单位"


class RolesApart(Conflict):
    """Nobody may hold these two roles at once."""

    zh = "按三员分立和回避要求，这两个岗位不能由同一人担任"


class WeakPassword(InvalidInput):
    """The password does not follow the rules for passwords."""

    zh = "密码不符合要求"


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class RoleRule(_Data):
    code: Code
    zh: str
    scope: Literal["unit", "district"]
    sees: Literal["all", "open", "units", "none"]
    does: str
    acts: bool = True
    second_factor: bool = False
    granted: bool = True
    """False for what only the settings give."""


class PasswordRules(_Data):
    least_length: int = Field(ge=8, le=64)
    least_kinds: int = Field(ge=1, le=4)
    remembered: int = Field(ge=0, le=24)
    renewed_after_days: int | None = Field(default=None, ge=30)

    def must_suit(self, password: str, login: str) -> None:
        """Raises `WeakPassword`, saying which rule is broken and never what was given."""
        wrong: list[tuple[str, str]] = []
        if len(password) < self.least_length:
            wrong.append((f"has fewer than {self.least_length} characters", f"密码至少{self.least_length}位"))
        if self._kinds(password) < self.least_kinds:
            zh = f"大写字母、小写字母、数字、符号中至少包含{self.least_kinds}类"
            wrong.append((f"has fewer than {self.least_kinds} kinds of characters", zh))
        if login.casefold() in password.casefold():
            wrong.append(("contains the login", "密码不能包含账号"))
        if wrong:
            raise WeakPassword(fields=tuple(FieldError("/new_password", en, zh) for en, zh in wrong))

    @staticmethod
    def _kinds(password: str) -> int:
        tests = (str.isupper, str.islower, str.isdigit)
        found = {next((n for n, test in enumerate(tests) if test(sign)), len(tests)) for sign in password}
        return len(found)


class SecondFactorRules(_Data):
    issuer: str
    recovery_codes: int = Field(ge=4, le=20)


class StaffRules(_Data):
    roles: tuple[RoleRule, ...]
    apart: tuple[tuple[Code, ...], ...]
    passwords: PasswordRules
    second_factor: SecondFactorRules

    @model_validator(mode="after")
    def _sound(self) -> Self:
        codes = [role.code for role in self.roles]
        if len(set(codes)) != len(codes):
            raise ValueError("two roles have the same code")
        if unknown := {code for row in self.apart for code in row} - set(codes):
            raise ValueError(f"apart names {', '.join(sorted(unknown))}, which are no roles")
        return self

    def role(self, code: str) -> RoleRule | None:
        return next((role for role in self.roles if role.code == code), None)

    def name(self, code: str) -> str:
        role = self.role(code)
        return role.zh if role is not None else code

    def that_see(self, *what: str) -> frozenset[str]:
        return frozenset(role.code for role in self.roles if role.sees in what)

    def needs_second_factor(self, held: Collection[str]) -> bool:
        return any(role.second_factor for role in self.roles if role.code in held)

    def must_be_grantable(self, code: str, unit_code: str | None, held: Collection[str]) -> None:
        """Raises the rule that keeps somebody who holds these roles from getting this one, for this unit."""
        role = self.role(code)
        if role is None or not role.granted:
            raise RoleUnknown
        if role.scope == "unit" and unit_code is None:
            raise UnitNeeded
        self.must_go_together({code, *held})

    def must_go_together(self, held: Collection[str]) -> None:
        for row in self.apart:
            for one, other in combinations(row, 2):
                if one in held and other in held:
                    raise RolesApart(f"{one} and {other}")


@lru_cache(maxsize=1)
def staff_rules() -> StaffRules:
    """What ships, read once; a wrong file stops the start."""
    return StaffRules.model_validate(yaml.safe_load(SHIPPED.read_text(encoding="utf-8")))
