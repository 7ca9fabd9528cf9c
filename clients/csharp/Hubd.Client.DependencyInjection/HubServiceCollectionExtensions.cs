using System;
using System.Net.Http;
using System.Threading;
using Hubd.Client;
using Hubd.Client.DependencyInjection;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace Microsoft.Extensions.DependencyInjection
{
    /// <summary>Registers <see cref="IHubClient"/>.</summary>
    public static class HubServiceCollectionExtensions
    {
        private const string ClientName = "Hubd.Client";

        /// <summary>
        /// Adds a singleton <see cref="IHubClient"/> with the settings of a
        /// configuration section. It follows configuration changes, except for
        /// MaxConnections and UseProxy, which apply to new handlers;
        /// IHttpClientFactory makes one every two minutes.
        /// </summary>
        /// <param name="services">The application's services.</param>
        /// <param name="section">A section whose keys are the properties of
        /// <see cref="HubOptions"/>, as in
        /// <c>configuration.GetSection("Hub")</c>.</param>
        /// <param name="configure">Sets what a configuration cannot express,
        /// such as SerializePayload; runs after the section was read.</param>
        /// <returns>The builder of its HttpClient, for handlers of the
        /// application's own.</returns>
        /// <remarks>Invalid settings throw an OptionsValidationException when
        /// the client is first resolved. Do not add handlers that repeat
        /// requests: the client refuses to send a body twice, and would not see
        /// hubd's first answer.</remarks>
        public static IHttpClientBuilder AddHubClient(
            this IServiceCollection services,
            IConfiguration section,
            Action<HubOptions> configure = null)
        {
            if (services == null)
                throw new ArgumentNullException(nameof(services));
            if (section == null)
                throw new ArgumentNullException(nameof(section));
            services.Configure<HubOptions>(section);
            return services.AddHubClient(configure ?? (options => { }));
        }

        /// <summary>
        /// Adds a singleton <see cref="IHubClient"/> with settings made in
        /// code.
        /// </summary>
        /// <param name="services">The application's services.</param>
        /// <param name="configure">Sets the options.</param>
        /// <returns>The builder of its HttpClient, for handlers of the
        /// application's own.</returns>
        public static IHttpClientBuilder AddHubClient(
            this IServiceCollection services,
            Action<HubOptions> configure)
        {
            if (services == null)
                throw new ArgumentNullException(nameof(services));
            if (configure == null)
                throw new ArgumentNullException(nameof(configure));
            services.Configure<HubOptions>(configure);
            services.TryAddEnumerable(ServiceDescriptor.Singleton<
                IValidateOptions<HubOptions>, HubOptionsValidator>());
            services.TryAddSingleton<HubOptionsSource>();
            services.TryAddSingleton<IHubClient>(CreateClient);
            return services
                .AddHttpClient(ClientName, http =>
                    http.Timeout = Timeout.InfiniteTimeSpan)
                .ConfigurePrimaryHttpMessageHandler(CreateHandler)
                .RedactLoggedHeaders(name => true);
        }

        private static IHubClient CreateClient(IServiceProvider provider)
        {
            var factory = provider.GetRequiredService<IHttpClientFactory>();
            var source = provider.GetRequiredService<HubOptionsSource>();

            return new HubClient(
                () => factory.CreateClient(ClientName), source.Read);
        }

        private static HttpMessageHandler CreateHandler(
            IServiceProvider provider)
        {
            var options = provider.GetRequiredService<HubOptionsSource>().Read();

            return HubClient.CreateHandler(
                options.MaxConnections, options.UseProxy);
        }
    }
}
