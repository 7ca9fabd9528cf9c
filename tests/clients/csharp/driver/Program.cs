using System;
using System.Threading.Tasks;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;

namespace Driver
{
    /// <summary>
    /// Does with the client what a test tells it: a command is a line of JSON
    /// on standard input, and its outcome, with the command's id, a line on
    /// standard output, as soon as it is known. `--checks` instead runs what
    /// needs no server, `--describe` tells what the documentation must name.
    /// </summary>
    internal static class Program
    {
        private static readonly object Output = new object();

        private static void Main(string[] args)
        {
            // Mono, when Main returns, now and then waits for its idle threads
            // for up to a minute.
            Environment.Exit(Run(args));
        }

        private static int Run(string[] args)
        {
            if (args.Length > 0 && args[0] == "--checks")
                return Checks.Run();
            if (args.Length > 0 && args[0] == "--describe")
                return Description.Write();

            var commands = new Commands();
            string line;

            while ((line = Console.In.ReadLine()) != null)
                Begin(commands, Parse(line));
            return 0;
        }

        private static JObject Parse(string line)
        {
            return JsonConvert.DeserializeObject<JObject>(line,
                new JsonSerializerSettings
                {
                    DateParseHandling = DateParseHandling.None,
                });
        }

        private static async void Begin(Commands commands, JObject command)
        {
            // A call's synchronous part is the caller's time; none may wait for
            // another's.
            var outcome = await Task.Run(() => RunAsync(commands, command));

            outcome["id"] = command["id"];
            lock (Output)
            {
                Console.Out.WriteLine(outcome.ToString(Formatting.None));
                Console.Out.Flush();
            }
        }

        private static async Task<JObject> RunAsync(
            Commands commands, JObject command)
        {
            try
            {
                return await commands.RunAsync(command);
            }
            catch (Exception error)
            {
                return Outcome.Of(error);
            }
        }
    }
}
