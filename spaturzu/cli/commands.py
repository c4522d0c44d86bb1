"""The commands. Each imports what it needs when it is called."""

from __future__ import annotations

from pathlib import Path

import click

import spaturzu
from spaturzu_translators.messages import PROVIDERS, Provider


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(spaturzu.__version__, message="spaturzu %(version)s")
def cli() -> None:
    """LLM calls that survive a provider's bad day."""


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
@click.option("--from", "source", type=click.Choice(PROVIDERS), required=True, help="Whose request it is.")
@click.option("--to", "target", type=click.Choice(PROVIDERS), required=True, help="Who is to understand it.")
@click.option("--model", help="The target's model; what it takes may depend on it. As in the request if not given.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object: body, model, losses.")
@click.argument("request_file", type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path))
@click.pass_context
def translate(
    context: click.Context, source: Provider, target: Provider, model: str | None, as_json: bool, request_file: Path
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
