"""The commands. Each imports what it needs when it is called."""

from __future__ import annotations

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
