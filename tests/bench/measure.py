"""One run: a server is started, hub-bench or wrk measures it, it is ended."""

import process
import servers
import wrk


def run_json(command, seconds, environment=None):
    """The JSON that a child prints, and what it complains of all the same."""
    out, complaints = process.output_of(command, seconds, environment)
    return process.parse_json(out), complaints


def missing_tool(point):
    """Why a point cannot be measured against anybody."""
    return wrk.missing() if point.tool == "wrk" else None


class Bench:
    """Measures servers, one after the other."""

    def __init__(self, paths, key, duration):
        self.paths, self.key, self.duration = paths, key, duration
        self.descriptors = process.raise_descriptors()
        self._ports = process.Ports()

    def measure(self, server, point):
        """The report of a run, and a line for everything that was not as it
        should be. Raises StartError, RunError or OSError."""
        with servers.Running(server, self._ports.take(), self.key,
                             self.descriptors) as running:
            try:
                found = self._run(running, point)
            except (process.RunError, OSError) as error:
                if not running.has_died():
                    raise
                raise process.RunError(f"{error}; the server died: "
                                       + running.last_line()) from None
            if running.has_died():
                raise process.RunError("the server died: "
                                       + running.last_line())
        return found

    def _run(self, running, point):
        if point.tool == "wrk":
            return wrk.measure(running, point, self.duration)
        report, complaints = run_json(
            self._command(running, point),
            60 + 3 * point.seconds(self.duration), {"HUB_API_KEY": self.key})
        return report, [line.removeprefix("hub-bench: ")
                        for line in complaints]

    def _command(self, running, point):
        server, root = running.server, f"127.0.0.1:{running.port}"
        command = [str(self.paths.hub_bench), "--json", "--quiet",
                   f"--label={server.key}", *point.arguments(self.duration)]
        if point.sends:
            command.append(f"--publish=http://{root}{server.send_path}")
        return [*command, f"ws://{root}{server.socket_path(point.sends)}"]

    def registry(self, sizes, rounds):
        """The JSON of bench_registry."""
        return run_json([str(self.paths.registry), f"--rounds={rounds}",
                         *map(str, sizes)], 300)[0]
