from __future__ import annotations

import pytest

from tunewell.core.languages import alike, language_of, language_said


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("de", "de"),
        ("zh_CN", "zh_CN"),
        ("German", "de"),
        (" english ", "en"),
        ("CHINESE", "zh"),
        ("text", None),
        ("English words", None),
        ("", None),
    ],
)
def test_codes_are_kept_and_english_names_become_codes(name: str, code: str | None) -> None:
    assert language_said(name) == code


def test_each_name_stands_for_a_known_code() -> None:
    from tunewell.core.languages import _CODE_OF_NAME

    assert len(_CODE_OF_NAME) > 50
    assert all(language_of(code) == code for code in _CODE_OF_NAME.values())
    assert not [name for name in _CODE_OF_NAME if language_of(name) is not None]


def test_a_code_spelt_alike_goes_before_the_language() -> None:
    assert alike("zh-cn", ["zho_Hans", "zh_CN"]) == ["zh_CN"]
    assert alike("deu", ["en", "de_DE"]) == ["de_DE"]
    assert alike("xx", ["en"]) == []
