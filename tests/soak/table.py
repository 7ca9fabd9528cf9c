"""The results of a soak test as text."""

WRONGS = ("lost", "duplicated", "misordered", "altered", "misrouted",
          "unasked", "miscounted", "late", "closed_early", "misbehaved")
REFUSED = ("refused_400", "refused_413", "refused_503", "refused_otherwise",
           "unanswered")
LEFT = ("left_by_close", "left_by_fin", "left_by_rst")
ENDED = ("slow_closed", "slow_cut", "half_ended", "garbage_closed", "vanished",
         "mute_cut")


def number(value, unit=""):
    return "–" if value is None else f"{value:,.0f}{unit}"


def pairs(result, names, cut=""):
    return ", ".join(f"{name.removeprefix(cut).replace('_', ' ')} "
                     f"{result[name]:,}" for name in names)


def latency(result):
    if "p50_ms" not in result:
        return "–"
    return (f"p50 {result['p50_ms']:.1f}, p99 {result['p99_ms']:.1f}, "
            f"max {result['max_ms']:.0f}")


def levels(name, found, unit=""):
    row = found[name]
    return " / ".join(number(row[at], unit)
                      for at in ("before", "early", "late", "after"))


def rows(outcome):
    """Pairs of a label and a text."""
    load, drain = outcome.get("load"), outcome.get("drain")
    found = outcome["levels"]
    if load:
        yield "minutes", f"{load['seconds'] / 60:.2f}"
        yield "connections made", number(load["connections"])
        yield "messages posted", (f"{load['posted']:,} "
                                  f"({pairs(load, ('broadcasts', 'sends'))})")
        yield "deliveries checked", (
            f"{load['delivered']:,} "
            f"({load['delivered'] / max(load['seconds'], 1):,.0f}/s; "
            f"{load['voluntary']:,} of them not due, {load['forgiven']:,} due "
            "and not waited for)")
        for name in WRONGS:
            yield name.replace("_", " "), number(load[name])
        yield "refused", pairs(load, REFUSED, "refused_")
        yield "recipients exact", (f"{load['exact']:,} of "
                                   f"{load['accepted']:,} answers")
        yield "left", pairs(load, LEFT, "left_by_")
        yield "ended by the hub", pairs(load, ENDED)
        yield "said by clients", pairs(load, ("said", "pongs"))
        yield "latency, ms", latency(load)
    yield "RSS before / early / late / after", levels("rss_kb", found, " KB")
    yield "PSS", levels("pss_kb", found, " KB")
    yield "descriptors", levels("fds", found)
    yield "  beside connections", levels("spare_fds", found)
    yield "threads", levels("threads", found)
    yield "SIGHUPs", number(outcome["sighups"])
    if outcome.get("cpu_share") is not None:
        yield "CPU of hubd", (f"{outcome['cpu_share'] * 100:.1f} % of a core, "
                              f"{outcome['cpu_us']:.2f} µs a delivery")
    if drain:
        yield "drain", (f"{outcome['drain_s']:.2f} s, exit status "
                        f"{outcome['exit_status']}, {drain['drained']} of "
                        f"{drain['connections']} clients got Close 1001, "
                        f"{drain['delivered']:,} deliveries, wrongs "
                        f"{drain['wrongs']}")


def text(outcome):
    lines = [f"{label:<34} {value}" for label, value in rows(outcome)]
    if outcome["reasons"]:
        lines += ["", "FAILED:"] + [f"  {r}" for r in outcome["reasons"]]
    else:
        lines += ["", "passed"]
    return "\n".join(lines)


def progress(event, sample):
    wrongs = pairs(event, [n for n in WRONGS if event[n]]) or "nothing wrong"
    return (f"{event['seconds']:7.0f} s  {event['present']:5} clients  "
            f"{event['posted']:9,} posted  {event['delivered']:12,} delivered  "
            f"{wrongs}  RSS {sample['rss_kb'] / 1024:6.1f} MB  "
            f"{sample['fds']} descriptors")
