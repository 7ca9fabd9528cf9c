using System;
using System.Collections.Generic;
using System.Linq;
using System.Net.Http;
using System.Threading;
using Hubd.Client;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Registration
{
    /// <summary>
    /// AddHubClient, as an application uses it, against a hubd. Each method
    /// with an underscore is a check, and a line of output. Runs with the
    /// stand-ins, and as well with the packages themselves.
    /// </summary>
    internal static class Program
    {
        private static string _url;
        private static string _key;

        private static void Main(string[] args)
        {
            Run(args);
            Environment.Exit(0); // see the driver's
        }

        private static void Run(string[] args)
        {
            _url = args[0];
            _key = args[1];
            foreach (var check in typeof(Program)
                .GetMethods(System.Reflection.BindingFlags.Static |
                    System.Reflection.BindingFlags.NonPublic)
                .Where(m => m.Name.Contains("_") && !m.Name.StartsWith("<")))
                Console.WriteLine($"{check.Name}: {Outcome(check)}");
        }

        private static string Outcome(System.Reflection.MethodInfo check)
        {
            try
            {
                check.Invoke(null, null);
                return "ok";
            }
            catch (System.Reflection.TargetInvocationException error)
            {
                return error.InnerException.ToString().Replace('\n', ' ');
            }
        }

        private static void A_section_is_all_it_takes()
        {
            var services = new ServiceCollection();

            services.AddHubClient(Configuration().GetSection("Hub"));
            using (var provider = services.BuildServiceProvider())
            {
                var hub = provider.GetRequiredService<IHubClient>();
                Equal("recipients: 0", Send(hub));
                Equal(hub, provider.GetRequiredService<IHubClient>());
            }
        }

        private static void Code_may_set_the_options_too()
        {
            var services = new ServiceCollection();
            var payloads = new List<object>();

            services.AddHubClient(options =>
            {
                options.BaseUrl = _url;
                options.ApiKey = _key;
                options.SerializePayload = payload =>
                {
                    payloads.Add(payload);
                    return "1";
                };
            });
            using (var provider = services.BuildServiceProvider())
                Equal("recipients: 0",
                    Send(provider.GetRequiredService<IHubClient>()));
            Equal("hello", payloads.Single());
        }

        private static void Code_comes_after_the_section()
        {
            var services = new ServiceCollection();
            var configuration = Configuration();

            configuration["Hub:ApiKey"] = "wrong";
            services.AddHubClient(
                configuration.GetSection("Hub"),
                options => options.ApiKey = _key);
            using (var provider = services.BuildServiceProvider())
                Equal("recipients: 0",
                    Send(provider.GetRequiredService<IHubClient>()));
        }

        private static void All_settings_are_read()
        {
            var configuration = Configuration();
            var services = new ServiceCollection();

            configuration["Hub:Timeout"] = "00:00:03.5";
            configuration["Hub:Retry"] = "false";
            configuration["Hub:MaxConnections"] = "5";
            configuration["Hub:UseProxy"] = "true";
            services.AddHubClient(configuration.GetSection("Hub"));
            using (var provider = services.BuildServiceProvider())
                Equal($"BaseUrl={_url}/, ApiKey=***, Timeout=00:00:03.5000000" +
                    ", Retry=False, MaxConnections=5, UseProxy=True",
                    provider.GetRequiredService<IOptionsMonitor<HubOptions>>()
                        .CurrentValue.ToString());
        }

        private static void Wrong_settings_throw_when_it_is_asked_for()
        {
            var configuration = Configuration();
            var services = new ServiceCollection();

            configuration["Hub:BaseUrl"] = "hub.example.com";
            services.AddHubClient(configuration.GetSection("Hub"));
            using (var provider = services.BuildServiceProvider())
            {
                var error = Throws<OptionsValidationException>(
                    () => provider.GetRequiredService<IHubClient>());
                var problem = error.Failures.Single();
                Equal(true, problem.StartsWith("Hub: BaseUrl is not an http"));
                Equal(false, error.ToString().Contains(_key));
            }
        }

        private static void A_changed_key_is_used_at_once()
        {
            var configuration = Configuration();
            var services = new ServiceCollection();

            configuration["Hub:ApiKey"] = "wrong";
            services.AddHubClient(configuration.GetSection("Hub"));
            using (var provider = services.BuildServiceProvider())
            {
                var hub = provider.GetRequiredService<IHubClient>();
                Equal("unauthorized", Send(hub).Split(':')[0]);
                configuration["Hub:ApiKey"] = _key;
                configuration.Reload();
                Equal("recipients: 0", Send(hub));
            }
        }

        private static void A_change_for_the_worse_is_not_used()
        {
            var configuration = Configuration();
            var services = new ServiceCollection();

            services.AddHubClient(configuration.GetSection("Hub"));
            using (var provider = services.BuildServiceProvider())
            {
                var hub = provider.GetRequiredService<IHubClient>();
                foreach (var url in new[] { "", "ftp://x", _url, "" })
                {
                    configuration["Hub:BaseUrl"] = url;
                    ReloadQuietly(configuration);
                    Equal("recipients: 0", Send(hub));
                    Equal("recipients: 0", Send(hub));
                }
            }
#if STANDINS
            Equal(2, LoggerExtensions.Warnings.Count);
            Equal(true, LoggerExtensions.Warnings.All(w =>
                w.Contains("Hub: BaseUrl") && !w.Contains(_key)));
#endif
        }

        private static void To_add_it_twice_is_to_add_it_once()
        {
            var services = new ServiceCollection();

            services.AddHubClient(Configuration().GetSection("Hub"));
            services.AddHubClient(Configuration().GetSection("Hub"));
            using (var provider = services.BuildServiceProvider())
            {
                Equal(1, provider.GetRequiredService<IEnumerable<IHubClient>>()
                    .Count());
                Equal(1, provider.GetRequiredService<
                    IEnumerable<IValidateOptions<HubOptions>>>().Count());
            }
        }

        private static void The_http_client_is_set_up_for_it()
        {
            var services = new ServiceCollection();
            var builder = services.AddHubClient(
                Configuration().GetSection("Hub"));

            using (var provider = services.BuildServiceProvider())
            {
                var http = provider.GetRequiredService<IHttpClientFactory>()
                    .CreateClient(builder.Name);
                Equal(Timeout.InfiniteTimeSpan, http.Timeout);
            }
#if STANDINS
            var told = HttpClientBuilder.All[builder.Name];
            Equal(true, told.Redact("X-API-Key"));
            using (var provider = services.BuildServiceProvider())
            {
                var handler = (HttpClientHandler)told.Primary(provider);
                Equal(32, handler.MaxConnectionsPerServer);
                Equal(false, handler.AllowAutoRedirect);
                Equal(false, handler.UseProxy);
            }
#endif
        }

        private static void Null_is_named()
        {
            var services = new ServiceCollection();
            var section = Configuration().GetSection("Hub");

            Equal("section", Throws<ArgumentNullException>(
                () => services.AddHubClient((IConfiguration)null)).ParamName);
            Equal("configure", Throws<ArgumentNullException>(() =>
                services.AddHubClient((Action<HubOptions>)null)).ParamName);
            Equal("services", Throws<ArgumentNullException>(
                () => ((IServiceCollection)null).AddHubClient(section))
                .ParamName);
        }

        private static IConfigurationRoot Configuration()
        {
            return new ConfigurationBuilder()
                .AddInMemoryCollection(new Dictionary<string, string>
                {
                    ["Hub:BaseUrl"] = _url,
                    ["Hub:ApiKey"] = _key,
                })
                .Build();
        }

        // The packages let the one who reloads know of what is wrong.
        private static void ReloadQuietly(IConfigurationRoot configuration)
        {
            try
            {
                configuration.Reload();
            }
            catch (AggregateException)
            {
            }
        }

        private static string Send(IHubClient hub)
        {
            return hub.BroadcastAsync("hello", "t").GetAwaiter().GetResult()
                .ToString();
        }

        private static void Equal(object wanted, object got)
        {
            if (!Equals(wanted, got))
                throw new Exception($"{got}, not {wanted}");
        }

        private static T Throws<T>(Action action)
            where T : Exception
        {
            try
            {
                action();
            }
            catch (T error)
            {
                return error;
            }
            throw new Exception($"no {typeof(T).Name}");
        }
    }
}
