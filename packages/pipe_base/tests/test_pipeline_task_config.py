# SPDX-License-Identifier: BSD-3-Clause
import copy
import pickle
from typing import Any

import pytest

from pachon.pipe_base import (
    ConnectionDefinitionError,
    Input,
    Output,
    PipelineTaskConfig,
    PipelineTaskConnections,
    config_text,
)


class ThingConnections(
    PipelineTaskConnections, dimensions=("visit",), templates={"kind": "deep"}, deprecated_templates={"kind": "Old."}
):
    copy = Input(name="image", storage_class="Image", dimensions=("visit",), doc="an image")
    result = Output(name="{kind}_result", storage_class="Image", dimensions=("visit",))
    old = Input(name="old", storage_class="Image", dimensions=("visit",), deprecated="Use copy.")


class ThingConfig(PipelineTaskConfig, connections=ThingConnections):
    n: int = 1


class BetterThingConfig(ThingConfig):
    m: int = 2


class OtherConnections(ThingConnections):
    more = Input(name="more", storage_class="Image", dimensions=("visit",))


class OtherThingConfig(ThingConfig, connections=OtherConnections):
    pass


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_every_connection_and_template_is_a_text_field() -> None:
    config = ThingConfig()
    assert (config.connections.copy, config.connections.kind) == ("image", "deep")
    config.connections.result = "{kind}_other"
    with pytest.raises(ValueError, match=r"Field 'connections.copy' of ThingConnectionsConfig: 3 is not accepted"):
        config.connections.copy = 3
    with pytest.raises(AttributeError, match=r"has no field 'resul'\. Did you mean 'result'"):
        config.connections.resul = "x"
    assert ThingConnections(config=config).result.name == "deep_other"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_template_may_be_given_as_a_number() -> None:
    config = ThingConfig()
    with pytest.warns(FutureWarning, match="Old"):
        config.connections.kind = 3
    assert config.connections.kind == "3"


def test_deprecated_connections_warn_when_they_are_configured() -> None:
    with pytest.warns(FutureWarning, match="Field 'old' of ThingConnectionsConfig is deprecated. Use copy."):
        ThingConfig().connections.old = "x"


def test_the_log_is_kept_by_default() -> None:
    assert ThingConfig().saveLogOutput is True


def test_subclasses_inherit_or_replace_the_connections() -> None:
    assert BetterThingConfig.connections_class is ThingConnections
    assert BetterThingConfig().connections == ThingConfig().connections
    assert OtherThingConfig().connections.more == "more"


def test_copies_documents_and_text() -> None:
    config = OtherThingConfig()
    config.connections.more = "less"
    for other in (
        pickle.loads(pickle.dumps(config)),
        copy.deepcopy(config),
        OtherThingConfig.from_document(config.to_document()),
    ):
        assert other == config
    assert "# an image\n# Default: 'image' (str)\nconfig.connections.copy='image'\n" in config_text(config)


@pytest.mark.parametrize("connections", [None, int, "Connections"])
def test_connections_must_be_given(connections: Any) -> None:
    with pytest.raises(ConnectionDefinitionError) as caught:
        type("BadConfig", (PipelineTaskConfig,), {}, connections=connections)
    expected = (
        "no connections; write class ...(PipelineTaskConfig, connections=MyConnections)"
        if connections is None
        else f"connections= must be a subclass of PipelineTaskConnections, not {connections!r}"
    )
    assert str(caught.value) == f"BadConfig: {expected}."


def test_other_options_of_the_class_are_refused() -> None:
    with pytest.raises(ConnectionDefinitionError) as caught:
        type("BadConfig", (PipelineTaskConfig,), {}, pipelineConnections=ThingConnections)
    assert str(caught.value) == (
        "BadConfig: the class has no option 'pipelineConnections'; write connections=MyConnections."
    )


def test_connections_cannot_be_a_field() -> None:
    with pytest.raises(ConnectionDefinitionError, match="a field cannot be called 'connections'"):

        class _BadConfig(PipelineTaskConfig, connections=ThingConnections):
            connections: int = 3
