"""Operations as commands: arguments and options from the request, text or JSON from the result."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from shlex import quote
from types import ModuleType
from typing import Any, Literal, TypeAlias, get_args, get_origin

import click
import msgspec
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, TaskID, TaskProgressColumn, TextColumn
from rich.progress import Progress as Bars
from rich.table import Table
from rich.text import Text

from smsgate.domain.errors import Unfit
from smsgate.files import whole
from smsgate.interface.operation import Context, Download, Operation, Progress, Upload
from smsgate.interface.parts import Parts
from smsgate.interface.values import plain_type, read_values

_HIDDEN = frozenset({"actor"})
"""Fields for programs that act for several people; at a terminal the person is known."""
Begin: TypeAlias = Callable[[Progress], tuple[Context, Parts]]
"""Makes what an operation works with, for the person at the terminal."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_FILE_WIDTH = 10_000
"""Where no terminal wraps lines, none is wrapped."""


@contextmanager
def progress(*, quiet: bool = False) -> Iterator[Progress]:
    """Yield what is told how far a long command has come, and shows it on a terminal as a bar."""
    console = Console(stderr=True)
    percentage = TaskProgressColumn(show_speed=True)
    bars = Bars(TextColumn("{task.description}"), BarColumn(), percentage, console=console)
    tasks: dict[str, TaskID] = {}

    def tell(what: str, done: int, total: int) -> None:
        if quiet or not console.is_terminal:
            return
        if what not in tasks:
            bars.start()
            tasks[what] = bars.add_task(what, total=total or None)
        bars.update(tasks[what], completed=done, total=total or None)

    try:
        yield tell
    finally:
        if tasks:
            bars.stop()


def commands_of(module: ModuleType, name: str, begin: Begin) -> click.Command:
    """The command of a name that a module's ``OPERATIONS`` make: one command, or a group."""
    found: Iterable[Operation[Any, Any]] = module.OPERATIONS
    mine = [one for one in found if one.command.split(" ")[0] == name]
    if len(mine) == 1 and len(_words(mine[0])) == 1:
        return _command(mine[0], begin)
    group = click.Group(name, help=module.__doc__)
    for one in mine:
        group.add_command(_command(one, begin))
    return group


def _words(operation: Operation[Any, Any]) -> list[str]:
    return [word for word in operation.command.split(" ") if not word.startswith("<")]


def _command(operation: Operation[Any, Any], begin: Begin) -> click.Command:
    params: list[click.Parameter] = [
        click.Argument(
            [name], type=_type(operation.fields[name]), required=operation.fields[name].required
        )
        for name in operation.arguments
    ]
    params += [
        _option(one)
        for name, one in operation.fields.items()
        if name not in operation.arguments and name not in _HIDDEN
    ]
    if operation.result is Download:
        params.append(
            click.Option(
                ["-o", "--output"], metavar="FILE", help="Where to write it; default: print it."
            )
        )
    else:
        params.append(click.Option(["--json", "as_json"], is_flag=True, help="Print JSON."))

    def run(as_json: bool = False, **given: Any) -> None:  # noqa: ANN401
        output = given.pop("output") if operation.result is Download else None
        values = {name: value for name, value in given.items() if value not in (None, ())}
        if operation.upload:
            values[operation.upload] = _upload(values[operation.upload])
        asked = read_values(operation, values)
        with progress(quiet=as_json) as tell:
            context, parts = begin(tell)
            result = parts.runner(operation)(context, asked)
        if isinstance(result, Download):
            _write(result, output)
        elif as_json:
            click.echo(msgspec.json.format(msgspec.json.encode(result), indent=2))
        elif operation.text is not None:
            text = operation.text(result)
            click.echo("\n".join(map(visible, text.split("\n"))))
        else:
            _show(operation, asked, result)
        click.get_current_context().exit(operation.exit_code(result))

    return click.Command(
        _words(operation)[-1],
        params=params,
        callback=run,
        help=operation.run.__doc__,
        epilog=f"Example: {example_of(operation)}",
    )


def example_of(operation: Operation[Any, Any]) -> str:
    """The operation's example as a command line."""
    words = ["smsgate", *_words(operation)]
    words += [quote(str(operation.example[name])) for name in operation.arguments]
    for name, value in operation.example.items():
        if name not in operation.arguments and name not in _HIDDEN:
            flag = _flag(name)
            words += [flag] if value is True else [flag, quote(str(value))]
    return " ".join(words)


def _option(field: msgspec.structs.FieldInfo) -> click.Option:
    kind, meta = plain_type(field.type)
    text = (meta.description if meta else "") or ""
    is_list = get_origin(kind) is list
    flag = _flag(field.name.removesuffix("s") if is_list else field.name)
    if kind is bool:
        return click.Option([flag], is_flag=True, default=None, help=text)
    if not field.required and field.default not in (None, "", msgspec.NODEFAULT):
        text += f"  [default: {field.default}]"
    return click.Option(
        [*(["-o"] if field.name == "output" else []), flag, field.name],
        type=_type(field),
        required=field.required,
        multiple=is_list,
        envvar=(meta.extra or {}).get("envvar") if meta else None,
        help=text,
    )


def _type(field: msgspec.structs.FieldInfo) -> click.ParamType[Any]:
    """The choices that a field has, else any text, which ``read_values`` reads."""
    kind, _ = plain_type(field.type)
    if get_origin(kind) is Literal:
        return click.Choice([one for one in get_args(kind) if one])
    return click.STRING


def _flag(name: str) -> str:
    """The option of a field; ``from_`` is ``--from``."""
    return "--" + name.rstrip("_").replace("_", "-")


def _upload(path: str) -> Upload:
    """The file that the command was given, closed when it ends. Raises ``Unfit``."""
    try:
        file = click.get_current_context().with_resource(click.open_file(path, "rb"))
    except OSError as error:
        raise Unfit(f"{path} cannot be read: {error.strerror}.") from None
    if path == "-":
        return Upload(file)
    return Upload(file, Path(path).name, Path(path).stat().st_size)


def _write(found: Download, output: str | None) -> None:
    if output is None:
        for chunk in found.chunks:
            sys.stdout.buffer.write(chunk)
        sys.stdout.buffer.flush()
        return
    try:
        with whole(Path(output)) as file:
            file.writelines(found.chunks)
    except OSError as error:
        raise click.FileError(output, error.strerror) from error
    click.echo(f"Wrote {output}.", err=True)


def _show(operation: Operation[Any, Any], asked: object, result: object) -> None:
    """Print a result for people: what is shown once, a sentence, facts, or a table."""
    once = operation.shown_once
    sentence = operation.sentence(asked, result)
    if once and getattr(result, once):
        click.echo(getattr(result, once))
        click.echo(sentence or "Copy it now: it is not shown again.", err=True)
    elif sentence:
        click.echo(sentence)
    elif not operation.empty:
        _show_facts(msgspec.to_builtins(result))
    elif rows := getattr(result, operation.rows):
        width = None if sys.stdout.isatty() else _FILE_WIDTH
        out = Console(highlight=False, width=width)
        shown = operation.columns(rows)
        table = Table(*(escape(one.title) for one in shown), box=None, pad_edge=False)
        for row in rows:
            table.add_row(*(Text(_text(getattr(row, one.field))) for one in shown))
        out.print(table)
        if behind := getattr(result, "next", None):
            click.echo(f"There are more: --after {behind}")
    else:
        click.echo(operation.empty)


def _show_facts(value: Any, indent: str = "") -> None:  # noqa: ANN401 - whatever JSON has
    """Print one fact on each line."""
    if isinstance(value, list):
        for one in value:
            parts = one.values() if isinstance(one, dict) else [one]
            click.echo(indent + "  ".join(_text(part) for part in parts if part))
        return
    for name, one in value.items():
        if isinstance(one, dict | list) and one:
            click.echo(f"{indent}{name}:")
            _show_facts(one, indent + "  ")
        elif one not in (None, "", [], {}):
            click.echo(f"{indent}{name}: {_text(one)}")


def _text(value: object) -> str:
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple | frozenset):
        return ", ".join(map(str, value))
    return "" if value is None else visible(str(value))


def visible(text: str) -> str:
    """A text of others, without what a terminal would obey."""
    return _CONTROL.sub(lambda found: repr(found[0])[1:-1], text)
