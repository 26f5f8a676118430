"""Exercises check themselves, and never stop a notebook."""

import pytest

from nasedu.course import exercise


def test_a_right_answer_is_said_to_be_correct(capsys):
    with exercise("sum"):
        assert 1 + 1 == 2, "count"
    assert capsys.readouterr().out == "✓ sum: correct.\n"


def test_a_wrong_answer_gets_its_hint(capsys):
    with exercise("sum"):
        assert 1 + 1 == 3, "count your fingers"
    assert capsys.readouterr().out.startswith("✗ sum: not yet. Hint: count your fingers\n")  # pytest adds to it


def test_an_error_says_where_in_the_students_code_it_was_raised(capsys):
    def answer(values):
        return sorted(values, key=lambda value: value.missing)[0]

    with exercise("best"):
        answer([1])
    line = answer.__code__.co_firstlineno + 1
    out = capsys.readouterr().out
    assert f"✗ best: not yet. Your code raised AttributeError in line {line} of <lambda>: 'int' object" in out


def test_an_interrupt_stops_it():
    with pytest.raises(KeyboardInterrupt), exercise("long"):
        raise KeyboardInterrupt


def test_a_long_hint_is_broken_between_words(capsys):
    words = [f"word{number:04}" for number in range(40)]
    with exercise("long"):
        raise AssertionError(" ".join(words))
    said = capsys.readouterr().out
    assert max(map(len, said.splitlines())) <= 88 and said.split()[-40:] == words
