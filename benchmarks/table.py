"""The Markdown of a measurement, made from its JSON alone: losses stand in it as gains do."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.pairs import NUM_PAIRS
from benchmarks.recipe import Json

_MIB = 2**20


def markdown(result: Json) -> str:
    """The whole page of a training measurement."""
    about = result["session"]
    parts = [
        f"# Training speed: {about['model']} on {about['data']}, {about['device']}",
        machine_lines(about),
    ]
    parts.append(gate_lines(result["parity"]))
    if "summary" in result:
        parts += [speed_table(result), _legend(result)]
    if result.get("quality"):
        parts.append(quality_table(result["quality"], result["metric"]))
    return "\n\n".join(parts) + "\n"


def machine_lines(about: Json) -> str:
    """What it was measured on and with."""
    machine, recipe = about["machine"], about["recipe"]
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items() if version)
    hashes = ", ".join(f"{name} `{digest[:12]}`" for name, digest in about["sha256"].items())
    where = machine["accelerator"] or f"{machine['processor']}, {machine['vector_instructions']}"
    precision = "bfloat16 autocast" if recipe["bfloat16"] else "float32"
    settings = ", ".join(
        f"{name.replace('_', ' ')} {value}" for name, value in recipe.items() if name != "bfloat16"
    )
    settings += "".join(f", {name.replace('_', ' ')} {value}" for name, value in about["dropout"].items())
    return "\n".join(
        [
            f"- {machine['date']}; {where}; {machine['cores']} cores, {about['threads']} threads, {precision}; "
            f"load average {machine['load_average']} at the start.",
            f"- {versions}; Python {machine['python']}; source `{machine['source_sha256'][:12]}`.",
            f"- {about['num_rows']} rows of {about['mean_tokens']:.1f} tokens on average. {settings}.",
            f"- SHA-256: {hashes}.",
        ]
    )


def gate_lines(gate: Json) -> str:
    """The parity gate's result, one line a contestant."""
    head = (
        f"Parity gate **{'green' if gate['green'] else 'red'}**: {gate['num_steps']} steps of "
        f"{gate['batch_size']} rows on one fixed list of batches without dropout; allowed relative difference of "
        f"a step's loss {gate['tolerance']:.0e}."
    )
    lines = [
        f"- {name}: largest difference {found['largest_difference']:.1e} at step {found['at_step']}"
        + (f"; **{'; '.join(found['problems'])}**" if found["problems"] else "")
        for name, found in gate["contestants"].items()
    ]
    if not gate["green"]:
        lines.append("\n**Refused:** contestants that compute different things have no table of speeds.")
    return head + "\n\n" + "\n".join(lines)


def speed_table(result: Json) -> str:
    """One row a contestant."""
    header = (
        "examples/s (quartiles)",
        "real tokens/s",
        "ours is faster by (interval)",
        "the same, in tokens",
        "peak memory",
        "ours takes",
        "utilisation",
    )
    rows = [["contestant", *header], ["---"] * (len(header) + 1)]
    for row in result["summary"]["rows"]:
        examples, tokens = row["examples_per_second"], row["tokens_per_second"]
        rows.append(
            [
                row["name"],
                f"{examples['median']:.1f} ({examples['first']:.1f} to {examples['third']:.1f})",
                f"{tokens['median']:.0f}",
                ratio_text(row["ratios"]["examples"]) if "ratios" in row else "",
                ratio_text(row["ratios"]["tokens"]) if "ratios" in row else "",
                memory_text(row["memory"]),
                f"{row['memory_ratio']:.2f}x" if "memory_ratio" in row else "",
                f"{row['utilisation']:.0%}",
            ]
        )
    return table(rows)


def _legend(result: Json) -> str:
    summary, plan = result["summary"], result["plan"]
    ratios = [row["ratios"]["examples"] for row in summary["rows"] if "ratios" in row]
    pairs = f"{plan['num_pairs']} interleaved pairs, the first thrown away"
    if plan["num_pairs"] < NUM_PAIRS:
        pairs += " (**a smoke run: six pairs at least must remain for a claim**)"
    cover = f"; intervals hold the median with {ratios[0]['coverage']:.0%}" if ratios else ""
    lines = [
        f"Median ratios of {pairs}{cover}. Below 1, ours is slower. Matrix products of these shapes run at "
        f"{summary['gemm_rate'] / 1e9:.0f} GFLOP/s here (median of {len(result['gemm'])} measurements in this run); "
        "utilisation counts real tokens only.",
        "",
    ]
    lines += [f"- **{name}**: {entry['description']}" for name, entry in result["contestants"].items()]
    return "\n".join(lines)


def quality_table(quality: Json, metric: str) -> str:
    """The metric on paired seeds."""
    rows = [["contestant", metric, "ours minus that (95% interval)"], ["---"] * 3]
    for name, scores in quality["scores"].items():
        mean = sum(scores) / len(scores)
        found = quality["differences"].get(name)
        text = ""
        if found:
            text = f"{found['mean']:+.4f}"
            if found["low"] is not None:
                text += f" ({found['low']:+.4f} to {found['high']:+.4f})"
        rows.append([name, f"{mean:.4f}", text])
    seeds = len(quality["scores"]["ours"])
    head = f"The {metric} after {quality['num_epochs']} epoch of {quality['num_rows']} rows, mean of {seeds} paired seeds:"
    return head + "\n\n" + table(rows)


def ratio_text(ratio: Json) -> str:
    """A median ratio with its interval."""
    return f"{ratio['median']:.2f}x ({ratio['low']:.2f} to {ratio['high']:.2f})"


def memory_text(memory: Json) -> str:
    """On an accelerator what it held, else what the processes took."""
    if memory["device_bytes"] is not None:
        return f"{memory['device_bytes'] / _MIB:.0f} MiB on the device"
    return f"{memory['peak_bytes'] / _MIB:.0f} MiB"


def table(rows: Sequence[Sequence[str]]) -> str:
    """Cells as a Markdown table; the second row is the rule below the header."""
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)
