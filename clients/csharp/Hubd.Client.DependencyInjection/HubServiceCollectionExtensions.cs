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
        /// Adds an <see cref="IHubClient"/>, one for the whole process, with
        /// the settings of a section of the configuration. It follows changes
        /// of the configuration, but for MaxConnections and UseProxy, which
        /// apply to new handlers; IHttpClientFactory makes one every other
        /// minute.
        /// </summary>
        /// <param name="services">The application's services.</param>
        /// <param name="section">Whose children have the names of
        /// <see cref="HubOptions"/>' properties, as in
        /// <c>configuration.GetSection("Hub")</c>.</param>
        /// <param name="configure">Sets what a configuration cannot hold, such
        /// as SerializePayload; after the section was read.</param>
        /// <returns>The builder of its HttpClient, for handlers of the
        /// application's own.</returns>
        /// <remarks>Settings that are wrong throw an
        /// OptionsValidationException when the client is first asked for.
        /// Handlers that repeat requests do not belong below it: it refuses to
        /// send a body twice, and does not see what hubd answered
        /// first.</remarks>
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
        /// Adds an <see cref="IHubClient"/>, one for the whole process, with
        /// settings made by code.
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
