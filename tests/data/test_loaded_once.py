"""Data that many experiments share are read once, and forgotten afterwards."""

from vae_jax.data import loading
from vae_jax.data.config import DataConfig
from vae_jax.data.loading import load, loaded_once


def test_the_same_config_is_read_once_however_deep_it_is_asked_for(monkeypatch):
    read = []
    monkeypatch.setattr(loading, "_load", lambda config: read.append(config) or object())
    with loaded_once():
        with loaded_once():  # the outer one has nothing yet
            first = load("digits")
        assert load(DataConfig("digits")) is first
        with loaded_once():
            assert load("digits") is first
        assert load("shapes") is not first
    assert read == [DataConfig("digits"), DataConfig("shapes")]
    assert load("digits") is not first
    assert load("digits") is not load("digits")


def test_what_was_read_is_forgotten_after_a_failure(monkeypatch):
    monkeypatch.setattr(loading, "_load", lambda config: object())
    found = []
    try:
        with loaded_once():
            found.append(load("digits"))
            raise ValueError
    except ValueError:
        pass
    assert load("digits") is not found[0]
