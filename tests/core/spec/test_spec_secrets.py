"""Keys in a spec: used, and shown or stored nowhere."""

import pytest

from detforge.errors import SpecError
from detforge.spec import parse_spec

KEY = "pass-word"


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        (f'enc_key: "{KEY}"\nnumber: 7', 'enc_key: ""\nnumber: 7'),
        (f"number: 7 model_key: '{KEY}' # key", 'number: 7 model_key: "" # key'),
        (f"enc_key: “{KEY}”\nnumber: 7", 'enc_key: ""\nnumber: 7'),
        ("enc_key: 'pass-' \"word\" number: 7", 'enc_key: "" number: 7'),
        (
            f"# enc_key: '{KEY}'\n  #model_key = {KEY}\nnumber: 7\nenc_key: '{KEY}'",
            '# enc_key:\n  #model_key =\nnumber: 7\nenc_key: ""',
        ),
    ],
)
def test_key_is_read_and_leaves_text_and_message(toy, text, stored):
    spec = parse_spec(text, toy.Friendly)
    assert spec.key == KEY
    assert spec.text == stored
    assert KEY not in repr(spec)
    again = parse_spec(spec.text, toy.Friendly)
    assert (again.message, again.key) == (spec.message, None)


def test_text_that_only_looks_like_a_key_stays(toy):
    text = "number: 7 # the enc_key is elsewhere\nstrings: '#enc_key: x'"
    assert parse_spec(text, toy.Friendly).text == text


def test_spec_without_a_key_has_none(toy):
    assert parse_spec("number: 7", toy.Friendly).key is None
    assert parse_spec("enc_key: ''", toy.Friendly).key is None
    assert parse_spec("size: 64", toy.Ruled).key is None


@pytest.mark.parametrize(
    "text",
    [
        f"enc_key: {KEY}",
        f'enc_key: "{KEY}',
        f"enc_key: [{KEY}]",
        f"enc_key {{ {KEY} }}",
        f'enc_key "{KEY}"',
        f'enc_key: "{KEY}\\x"',
        f'enc_key: "\\377{KEY}"',
        f'enc_key = "{KEY}"',
    ],
)
def test_key_that_cannot_be_read_is_not_shown(toy, text):
    with pytest.raises(SpecError, match="enc_key") as caught:
        parse_spec(text, toy.Friendly)
    assert KEY not in str(caught.value)
