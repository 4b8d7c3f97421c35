"""What a detector need not say: answers of the core to the hooks that describe a detector."""

from __future__ import annotations

from typing import TYPE_CHECKING

from detforge.hookspecs import hookimpl

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from detforge.deployment import Deployment, TensorRTPlugin
    from detforge.recipe import Recipe


@hookimpl(trylast=True)
def convert_schema() -> type[Message]:
    """Return the shared conversion spec."""
    from detforge.protos import convert_pb2

    return convert_pb2.Convert


@hookimpl(trylast=True)
def recipe(spec: Message) -> Recipe:
    """Translate the standard messages; the detector's name is that of its proto package."""
    from detforge.spec import standard_recipe

    return standard_recipe(spec, name=spec.DESCRIPTOR.file.package.removeprefix("detforge_"))


@hookimpl(trylast=True)
def tensorrt_plugins(spec: Message) -> tuple[TensorRTPlugin, ...]:
    """Return none: the plain flavour needs only standard operators."""
    return ()


@hookimpl(trylast=True)
def deployment(spec: Message) -> Deployment:
    """Return the layout of the plain flavour."""
    from detforge.deployment import PLAIN_OUTPUTS, Deployment

    return Deployment(
        input_name="images",
        outputs=PLAIN_OUTPUTS,
        deepstream={"network-type": "0", "cluster-mode": "4"},
    )
