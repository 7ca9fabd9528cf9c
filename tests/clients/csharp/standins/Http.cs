using System;
using System.Collections.Generic;
using System.Net.Http;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace System.Net.Http
{
    public interface IHttpClientFactory
    {
        HttpClient CreateClient(string name);
    }
}

namespace Microsoft.Extensions.DependencyInjection
{
    public interface IHttpClientBuilder
    {
        string Name { get; }

        IServiceCollection Services { get; }
    }

    // What the test may ask of a client that was registered.
    public sealed class HttpClientBuilder : IHttpClientBuilder
    {
        public static readonly Dictionary<string, HttpClientBuilder> All =
            new Dictionary<string, HttpClientBuilder>();

        public Action<HttpClient> Configure;
        public Func<IServiceProvider, HttpMessageHandler> Primary;
        public Func<string, bool> Redact;

        public string Name { get; set; }

        public IServiceCollection Services { get; set; }
    }

    internal sealed class HttpClientFactory : IHttpClientFactory
    {
        private readonly IServiceProvider _provider;
        private readonly Dictionary<string, HttpMessageHandler> _handlers =
            new Dictionary<string, HttpMessageHandler>();

        public HttpClientFactory(IServiceProvider provider)
        {
            _provider = provider;
        }

        public HttpClient CreateClient(string name)
        {
            var builder = HttpClientBuilder.All[name];

            lock (_handlers)
            {
                HttpMessageHandler handler;
                if (!_handlers.TryGetValue(name, out handler))
                    _handlers[name] = handler = builder.Primary(_provider);
                var client = new HttpClient(handler, disposeHandler: false);
                builder.Configure(client);
                return client;
            }
        }
    }

    public static class HttpClientFactoryServiceCollectionExtensions
    {
        public static IHttpClientBuilder AddHttpClient(
            this IServiceCollection services,
            string name,
            Action<HttpClient> configureClient)
        {
            services.TryAddSingleton<IHttpClientFactory>(
                provider => new HttpClientFactory(provider));
            services.TryAdd(new ServiceDescriptor
            {
                ServiceType = typeof(Logging.ILogger<>),
                Implementation = typeof(Logging.Logger<>),
            });
            return HttpClientBuilder.All[name] = new HttpClientBuilder
            {
                Name = name,
                Services = services,
                Configure = configureClient,
            };
        }
    }

    public static class HttpClientBuilderExtensions
    {
        public static IHttpClientBuilder ConfigurePrimaryHttpMessageHandler(
            this IHttpClientBuilder builder,
            Func<IServiceProvider, HttpMessageHandler> configureHandler)
        {
            ((HttpClientBuilder)builder).Primary = configureHandler;
            return builder;
        }

        public static IHttpClientBuilder RedactLoggedHeaders(
            this IHttpClientBuilder builder,
            Func<string, bool> shouldRedactHeaderValue)
        {
            ((HttpClientBuilder)builder).Redact = shouldRedactHeaderValue;
            return builder;
        }
    }
}
