import hashlib

import pytest

from anomaly.keys import SHORTEST, Keyring

KEY = "correct-horse-battery"


def test_a_key_is_kept_as_its_digest_alone() -> None:
    """Who sees the ring sees no key."""
    assert Keyring.read(KEY) == Keyring.read("sha256:" + hashlib.sha256(KEY.encode()).hexdigest())
    assert KEY not in repr(Keyring.read(KEY))


def test_a_holder_is_named_by_the_digest() -> None:
    """The log and the limits name a key without telling it."""
    ring = Keyring.read(f"{'x' * 40},{KEY}")
    assert ring.holder(KEY) == hashlib.sha256(KEY.encode()).hexdigest()[:8]
    assert ring.holder(KEY + "x") is None
    assert ring.holder("") is None


@pytest.mark.parametrize(
    "text", ["", " , ", "short", "x" * (SHORTEST - 1), "sha256:abcd", "brücke-über-den-fluss"]
)
def test_what_is_no_key_is_refused_without_being_told(text: str) -> None:
    """A short key would be guessed; the message does not repeat it."""
    with pytest.raises(ValueError, match="key") as error:
        Keyring.read(text)
    assert text.strip(" ,") == "" or text not in str(error.value)
