"""A user's own container: their image with the fields that they may set."""

from typing import Annotated

from pydantic import Field

from .common import ApiModel, list_map, rule, rules


class EnvVar(ApiModel):
    model_config = rules(
        rule(
            "!self.name.startsWith('MODELWARD_')",
            "names that start with MODELWARD_ are set by the operator: write values of your own under `parameters:`",
        )
    )
    name: Annotated[str, Field(max_length=128, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
    """Of the variable."""
    value: Annotated[str, Field(max_length=4096)] = ""
    """Plain text; secrets do not belong here."""


class ContainerSpec(ApiModel):
    """Your own code. It finds its input in $MODELWARD_INPUT and writes to $MODELWARD_OUTPUT."""

    image: Annotated[str, Field(min_length=1, max_length=1024)]
    """Best with a digest: what is trained can then be told from it."""
    command: Annotated[list[Annotated[str, Field(max_length=4096)]], Field(max_length=64)] = []
    """None: the image's own entrypoint."""
    args: Annotated[list[Annotated[str, Field(max_length=4096)]], Field(max_length=64)] = []
    """Arguments of the command."""
    env: Annotated[list[EnvVar], Field(max_length=64, json_schema_extra=list_map("name"))] = []
    """Variables besides those that start with MODELWARD_."""
    run_as_user: Annotated[int, Field(ge=1)] | None = None
    """None: 65532."""
