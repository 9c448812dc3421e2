"""Every rule the code promises has a sentence and a proof, and the table promises nothing else."""

import pytest

from tests.laws import rules


def test_every_rule_cited_in_the_code_has_a_row() -> None:
    have = {row.rule for row in rules.table()}
    missing = [f"{rule} (cited in {paths[0]})" for rule, paths in rules.code_citations().items() if rule not in have]
    assert not missing, f"add rows to docs/rules.md (python -m tests.laws.rules --missing prints them): {missing}"


def test_every_row_is_for_a_rule_the_code_cites() -> None:
    unused = [row.rule for row in rules.table() if row.rule not in rules.code_citations()]
    assert not unused, f"docs/rules.md has rows for rules that no code cites: {unused}"


def test_rows_are_in_order_once_each_and_say_what_they_mean() -> None:
    listed = [row.rule for row in rules.table()]
    assert listed == sorted(set(listed), key=rules.order)
    assert not [row.rule for row in rules.table() if len(row.meaning) < 10]


def test_every_rows_test_exists_and_cites_the_rule() -> None:
    wrong = []
    for row in rules.table():
        if not row.tests:
            wrong.append(f"{row.rule}: names no test")
        for path, name in row.tests:
            if not (rules.ROOT / path).is_file():
                wrong.append(f"{row.rule}: {path} does not exist")
            elif name not in rules.tests_in(path):
                wrong.append(f"{row.rule}: {path} has no test {name}")
            elif row.rule not in rules.tests_in(path)[name]:
                wrong.append(f"{row.rule}: {name} does not cite it")
    assert not wrong, wrong


@pytest.mark.parametrize(
    ("text", "cited"),
    [
        ("see S22.", {"S22"}),
        ("(T13, I16)", {"T13", "I16"}),
        ("W2, W4-W6", {"W2", "W4", "W5", "W6"}),
        ("S10-13", {"S10", "S11", "S12", "S13"}),
        ("V20 but not V21", {"V20"}),
        ("S01 P4821 UTF-8 T1.5 F16x #F00 v1 IS1 S4821", set()),
    ],
)
def test_citations_are_told_from_codes_and_versions(text: str, cited: set[str]) -> None:
    assert rules.cited_in(text) == cited


def test_the_rules_not_built_are_those_nobody_cites() -> None:
    absent = rules.not_built()
    assert "T13" not in absent
    assert len(absent) + len(rules.code_citations()) == sum(rules.RANGES.values())
