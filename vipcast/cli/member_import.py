"""`vipcast member import`: the request, the progress, and what came of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vipcast.cli.result import Result, Table
from vipcast.cli.terminal import Terminal
from vipcast.errors import InputError, Problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from vipcast.groups.intake import IntakeRequest, IntakeResult


def run_import(
    terminal: Terminal,
    file: Path,
    *,
    groups: Sequence[str],
    fill: bool,
    region: str,
    consent: str,
    mapping: Sequence[str],
    encoding: str,
    delimiter: str,
    sheet: str,
    date_order: str,
    rejects: Path | None,
    dry_run: bool,
) -> Result:
    """Import a file and say what happened to each row."""
    from vipcast.groups.intake import Intake, IntakeRequest

    if date_order not in ("", "dmy", "mdy", "ymd"):
        raise InputError(f"There is no date order {date_order!r}.", hint="Say --date-order dmy or mdy.")
    request = IntakeRequest(
        file=file,
        groups=groups,
        fill=fill,
        consent_source=consent,
        overrides=dict(_pair(one) for one in mapping),
        encoding=encoding or None,
        delimiter={"tab": "\t"}.get(delimiter, delimiter) or None,
        sheet=sheet or None,
        date_order=date_order or None,  # type: ignore[arg-type]
        rejects=rejects,
        is_dry_run=dry_run,
    )
    with terminal.shop() as shop:
        settings = shop.config.shop
        intake = Intake(
            shop.database,
            request,
            region=check_region(region) or settings.region,
            language=settings.language,
            zone=shop.zone,
        )
        with _progress(terminal, file) as on_progress:
            result = intake.run(shop.now(), on_progress)
    return _result(request, result)


def check_region(region: str) -> str:
    """Return a country's two letters in capitals.

    Raises:
        InputError: there is no such country.

    """
    if not region:
        return ""
    from phonenumbers import SUPPORTED_REGIONS

    if region.upper() not in SUPPORTED_REGIONS:
        raise InputError(
            f"There is no region {region!r}.", hint="Give a country's two letters, such as HU or CZ."
        )
    return region.upper()


def _pair(text: str) -> tuple[str, str]:
    column, equals, name = text.rpartition("=")
    if not equals or not column:
        raise InputError(f"--map {text!r} is no column=field.", hint='Such as --map "Mobil=phone".')
    return column, name


@contextmanager
def _progress(terminal: Terminal, file: Path) -> Iterator[Callable[[int], None]]:
    """Show a bar of the bytes read on a terminal, and nothing elsewhere."""
    if not terminal.shows_progress or not file.is_file():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("Reading"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=file.stat().st_size)
        yield lambda read: progress.update(task, completed=read)


def _result(request: IntakeRequest, result: IntakeResult) -> Result:
    counts = result.outcome.counts
    numbers = {name: counts.get(name, 0) for name in ("added", "updated", "unchanged", "rejected")}
    numbers |= {"waiting": result.waiting, "seated": result.seated}
    numbers |= {name: counts.get(name, 0) for name in ("repeated", "no_consent", "kept_out")}
    data: dict[str, Any] = {
        **numbers,
        "dry_run": request.is_dry_run,
        "report": result.report,
        "changes": [
            {"line": line, "member": name, "change": said} for line, name, said in result.outcome.changes
        ],
        "warnings": [{"line": line, "message": words} for line, words in result.outcome.warnings],
        "rejects": [{"line": r.line, "code": r.code, "reason": r.reason} for r in result.rejects],
        "rejects_file": result.rejects_file,
    }
    view = [*_understanding(result), *_outcome(request, result, numbers)]
    read = numbers["added"] + numbers["updated"] + numbers["unchanged"] + numbers["repeated"]
    if not read and numbers["rejected"]:
        problem = Problem(
            "all-rejected", "No row could be used.", "See the reasons above.", str(request.file)
        )
        return Result(data, view, [problem], exit_code=1)
    if not read:
        problem = Problem("no-rows", f"{request.file.name} has headings but no rows.", "", str(request.file))
        return Result(data, view, [problem], exit_code=3)
    problems = [Problem(r.code, r.reason, "", f"{request.file}:{r.line}") for r in result.rejects]
    return Result(data, view, problems, exit_code=4 if numbers["rejected"] else 0, is_told=True)


def _understanding(result: IntakeResult) -> list[str | Table]:
    report = result.report
    delimiter = {"\t": "tab", "": "one column"}.get(report.delimiter, report.delimiter)
    how = f"Read as {report.kind}"
    if report.encoding:
        how += f", {report.encoding} ({report.encoding_reason})"
    if report.kind == "csv":
        how += f", separated by {delimiter}"
    if report.sheet:
        how += f", sheet {report.sheet}"
    used = ", ".join(f"{c.column} → {c.field}" for c in report.columns if c.field and c.field != "ignore")
    left = ", ".join(c.column for c in report.columns if c.column and (not c.field or c.field == "ignore"))
    headings = f", headings in line {report.header_line}" if report.header_line else ""
    view: list[str | Table] = [f"{how}{headings}.", f"Columns used: {used}."]
    if left:
        view.append(f'Columns left out: {left}. (Use one with --map "COLUMN=FIELD".)')
    return view + [f"Note: {words}" for words in report.warnings]


def _outcome(request: IntakeRequest, result: IntakeResult, numbers: dict[str, int]) -> list[str | Table]:
    view: list[str | Table] = []
    if result.outcome.changes:
        view.append(Table(("line", "member", "changed"), result.outcome.changes))
    if result.outcome.warnings:
        view.append(Table(("line", "note"), result.outcome.warnings))
    if result.rejects:
        view.append(Table(("line", "rejected because"), [(r.line, r.reason) for r in result.rejects]))
        if numbers["rejected"] > len(result.rejects):
            view.append(f"… and {numbers['rejected'] - len(result.rejects)} more.")
    said = "Would be: " if request.is_dry_run else ""
    repeated = numbers["repeated"]
    view.append(
        said + f"{numbers['added']} added, {numbers['updated']} updated, {numbers['unchanged']} unchanged, "
        f"{numbers['rejected']} rejected, {numbers['waiting']} waiting."
        + (f" {numbers['seated']} seated." if request.groups else "")
        + (f" {repeated} rows repeat a person of the same file." if repeated else "")
    )
    if result.rejects_file:
        view.append(f"Rejected rows, each with its line and reason: {result.rejects_file}")
    if numbers["no_consent"]:
        view.append(
            f"{numbers['no_consent']} have no consent on record and are not sent to. If you have it, "
            'record it: import again with --consent "where it was given".'
        )
    if numbers["kept_out"]:
        view.append(f"{numbers['kept_out']} opted out earlier and stay so, whatever --consent says.")
    if request.is_dry_run:
        view.append("Nothing was changed. Leave out --dry-run to do it.")
    return view
