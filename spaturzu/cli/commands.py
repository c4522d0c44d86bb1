"""The commands. Each imports what it needs when it is called."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

import spaturzu
from spaturzu_translators.messages import PROVIDERS, WIRES, Provider, Wire

from .ledger_commands import COMMANDS
from .ledger_options import json_option
from .words import Moment

if TYPE_CHECKING:
    from spaturzu.sandbox.wall import Shape


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(spaturzu.__version__, message="spaturzu %(version)s")
def cli() -> None:
    """LLM calls that survive a provider's bad day."""


for command in COMMANDS:
    cli.add_command(command)


@cli.command()
@click.option("--json", "as_json", is_flag=True, help="Only the grid, as JSON: one object for each cell.")
@click.option("--sabotage", type=click.Choice(PROVIDERS), hidden=True, help="This one says what nobody expects.")
@click.pass_context
def demo(context: click.Context, as_json: bool, sabotage: Provider | None) -> None:
    """An outage, live, and then all twenty directions.

    The providers' real SDKs talk over sockets to local servers: it needs no key and no network. Exit status 1 if a
    cell of the grid fails, 2 if a provider's SDK is not installed.
    """
    from spaturzu.demo import advice_on_missing_sdks

    if advice := advice_on_missing_sdks():
        click.echo(f"spaturzu: {advice}", err=True)
        context.exit(2)
    from spaturzu.demo.show import show, show_json

    all_ok = show_json(sabotage) if as_json else show(sabotage)
    context.exit(0 if all_ok else 1)


@cli.command()
@click.option("--from", "source", type=click.Choice(WIRES), required=True, help="Whose request it is.")
@click.option("--to", "target", type=click.Choice(WIRES), required=True, help="Who is to understand it.")
@click.option("--model", help="The target's model; what it takes depends on it. By default a current one.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object: body, model, losses.")
@click.argument("request_file", type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path))
@click.pass_context
def translate(
    context: click.Context, source: Wire, target: Wire, model: str | None, as_json: bool, request_file: Path
) -> None:
    """Show a request's JSON as another provider would be sent it, and what that loses.

    REQUEST_FILE is the body as it stands on the wire ("-" for standard input). Exit status 1 if a loss would skip the
    target, 2 if the request cannot be read.
    """
    from .translating import Unreadable, show, translated

    try:
        translation = translated(source, target, request_file, model)
    except Unreadable as error:
        click.echo(f"spaturzu: {error}", err=True)
        context.exit(2)
    show(translation, as_json=as_json)
    context.exit(1 if translation.skips else 0)


@cli.command()
@click.option("--model", help="The model that the primary is called with: a drop-in's calls name it.")
@click.option("--live", is_flag=True, help="Ask each provider whether it has the model; costs nothing.")
@click.option("--ignore", multiple=True, metavar="CONCERN", help="Leave these findings out. Repeatable.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object for each finding.")
@click.argument("chain")
@click.pass_context
def check(
    context: click.Context, chain: str, model: str | None, live: bool, ignore: tuple[str, ...], as_json: bool
) -> None:
    """Find what is wrong with a chain before an outage does.

    CHAIN is module:attribute, naming a spaturzu client, a Router or a chain's options, or the name of a chain. Looked
    for: retired models (model), unknown prices (price), smaller context windows (window), missing capabilities
    (capability), layered retries (retries), targets that fail together (domain). Exit status 1 if anything is found,
    2 if there is no such chain.
    """
    from spaturzu.errors import ConfigError

    from .checking import findings, load, show

    try:
        targets = load(chain, model)
        found, silent = findings(targets, live=live, ignored=ignore)
    except ConfigError as error:
        click.echo(str(error), err=True)
        context.exit(2)
    show(targets, found, silent, as_json=as_json)
    context.exit(1 if found else 0)


@cli.group()
def prices() -> None:
    """Prices: the figures that calls are priced with."""


@contextmanager
def told() -> Generator[None]:
    """What is wrong with the user's options ends the command: exit status 2."""
    from spaturzu.errors import ConfigError

    try:
        yield
    except ConfigError as error:
        click.echo(str(error), err=True)
        click.get_current_context().exit(2)


overrides_option = click.option(
    "--prices",
    "file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    envvar="SPATURZU_PRICES",
    help="Your own prices, JSON or TOML; they win. SPATURZU_PRICES if not given.",
)


@prices.command("show")
@click.argument("model")
@click.option("--provider", type=click.Choice(PROVIDERS), help="Only there; everywhere if not given.")
@click.option("--tier", help="A service tier: batch, flex, priority, ...")
@click.option("--at", type=Moment(), help="The prices of that day: 2026-03-12 (UTC).")
@overrides_option
@json_option
@click.pass_context
def show_prices(
    context: click.Context,
    model: str,
    provider: Provider | None,
    tier: str | None,
    at: float | None,
    file: Path | None,
    as_json: bool,
) -> None:
    """A model's figures, and where they are from. Exit status 1 if it has none."""
    from .prices import Asked, quotes, read_overrides, show

    with told():
        found = quotes(model, provider, Asked(tier, at, read_overrides(file)))
    if not found:
        click.echo(f"spaturzu: no known price for {model}; 'spaturzu prices list' shows what is known", err=True)
        context.exit(1)
    show(found, as_json=as_json)


@prices.command("list")
@click.option("--provider", type=click.Choice(PROVIDERS), help="Only this one's.")
@json_option
def list_prices(provider: Provider | None, as_json: bool) -> None:
    """The models that have a price."""
    from .prices import show_list

    show_list((provider,) if provider else PROVIDERS, as_json=as_json)


@prices.command("check")
@click.argument("models", nargs=-1, metavar="[MODEL]...")
@click.option("--chain", help="module:attribute, or a chain's name: the models of its targets.")
@overrides_option
@json_option
@click.pass_context
def check_prices(
    context: click.Context, models: tuple[str, ...], chain: str | None, file: Path | None, as_json: bool
) -> None:
    """Has every model a known price?

    MODEL is an id, or provider/id. Exit status 1 if one has no price, 2 if there is nothing to check.
    """
    from .prices import Asked, check, read_overrides, show_checked

    with told():
        checked = check(models, chain, Asked(overrides=read_overrides(file)))
    if not checked:
        click.echo("spaturzu: nothing to check; name models, or a chain with --chain module:attribute", err=True)
        context.exit(2)
    show_checked(checked, as_json=as_json)
    context.exit(0 if all(one.found for one in checked) else 1)


@cli.command()
@click.option("--fault", "faults", multiple=True, metavar="NAME", help="Only this fault of the wall. Repeatable.")
@click.option("--shape", "shapes", multiple=True, type=click.Choice(["plain", "stream"]), help="Only these calls.")
@click.option(
    "--patience",
    type=float,
    metavar="SECONDS",
    help="When a call counts as hung; by default some seconds after the longest of the chain's own limits.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object for each line.")
@click.argument("client", metavar="CHAIN")
@click.pass_context
def drill(
    context: click.Context,
    client: str,
    faults: tuple[str, ...],
    shapes: tuple[Shape, ...],
    patience: float | None,
    as_json: bool,
) -> None:
    """Every fault of the wall against a client of yours: a scorecard.

    CHAIN is module:attribute, naming a spaturzu client or a Router, or a function that makes one; or the name of a
    chain in spaturzu.toml. Its chain is taken as it is, but local servers answer in place of every provider: none is
    called, and no key leaves. Verdicts: pass, partial (a whole answer, by a detour that was not needed), safe (no
    answer where one was possible, but an honest error), fail. Exit status 1 where one is safe or fail, 2 if there is no
    such client.
    """
    from spaturzu.errors import ConfigError

    from .drilling import drill as scored
    from .drilling import passed, show

    try:
        lines = scored(client, faults, shapes, patience)
    except ConfigError as error:
        click.echo(str(error), err=True)
        context.exit(2)
    show(lines, as_json=as_json)
    context.exit(0 if passed(lines) else 1)
