using System;
using System.Collections.Generic;
using System.Linq;

// Just enough of Microsoft.Extensions.* to compile what registers the client
// and to run it: names and signatures are those of the packages, the bodies are
// the shortest that do. All services are singletons.
namespace Microsoft.Extensions.DependencyInjection
{
    public interface IServiceCollection : IList<ServiceDescriptor>
    {
    }

    public sealed class ServiceCollection :
        List<ServiceDescriptor>, IServiceCollection
    {
    }

    public sealed class ServiceDescriptor
    {
        internal Type ServiceType;
        internal Type Implementation;
        internal Func<IServiceProvider, object> Factory;

        public static ServiceDescriptor Singleton<TService, TImplementation>()
            where TService : class
            where TImplementation : class, TService
        {
            return new ServiceDescriptor
            {
                ServiceType = typeof(TService),
                Implementation = typeof(TImplementation),
            };
        }
    }

    public static class ServiceProviderServiceExtensions
    {
        public static T GetRequiredService<T>(this IServiceProvider provider)
        {
            return (T)(provider.GetService(typeof(T)) ??
                throw new InvalidOperationException($"no {typeof(T)}"));
        }
    }

    public static class ServiceCollectionContainerBuilderExtensions
    {
        public static ServiceProvider BuildServiceProvider(
            this IServiceCollection services)
        {
            return new ServiceProvider(services);
        }
    }

    public sealed class ServiceProvider : IServiceProvider, IDisposable
    {
        private readonly IServiceCollection _services;
        private readonly Dictionary<object, object> _made =
            new Dictionary<object, object>();

        internal ServiceProvider(IServiceCollection services)
        {
            _services = services;
        }

        public object GetService(Type type)
        {
            if (type.IsGenericType &&
                type.GetGenericTypeDefinition() == typeof(IEnumerable<>))
                return All(type.GetGenericArguments()[0]);
            return Find(type).Select(Get).LastOrDefault();
        }

        public void Dispose()
        {
            foreach (var one in _made.Values.OfType<IDisposable>())
                one.Dispose();
        }

        private Array All(Type type)
        {
            var all = Find(type).Select(Get).ToArray();
            var typed = Array.CreateInstance(type, all.Length);

            all.CopyTo(typed, 0);
            return typed;
        }

        // A generic type is registered open: ILogger<>.
        private IEnumerable<Tuple<ServiceDescriptor, Type>> Find(Type type)
        {
            var open = type.IsGenericType
                ? type.GetGenericTypeDefinition()
                : null;

            return _services
                .Where(s => s.ServiceType == type || s.ServiceType == open)
                .Select(s => Tuple.Create(s, type));
        }

        private object Get(Tuple<ServiceDescriptor, Type> wanted)
        {
            object made;

            if (!_made.TryGetValue(wanted, out made))
                _made[wanted] = made = Make(wanted.Item1, wanted.Item2);
            return made;
        }

        private object Make(ServiceDescriptor service, Type type)
        {
            if (service.Factory != null)
                return service.Factory(this);
            var implementation = service.Implementation;
            if (implementation.IsGenericTypeDefinition)
                implementation = implementation.MakeGenericType(
                    type.GetGenericArguments());
            var constructor = implementation.GetConstructors().Single();
            return constructor.Invoke(constructor.GetParameters()
                .Select(p => GetService(p.ParameterType)).ToArray());
        }
    }
}

namespace Microsoft.Extensions.DependencyInjection.Extensions
{
    public static class ServiceCollectionDescriptorExtensions
    {
        public static void TryAddSingleton<TService>(
            this IServiceCollection services)
            where TService : class
        {
            services.TryAdd(new ServiceDescriptor
            {
                ServiceType = typeof(TService),
                Implementation = typeof(TService),
            });
        }

        public static void TryAddSingleton<TService>(
            this IServiceCollection services,
            Func<IServiceProvider, TService> factory)
            where TService : class
        {
            services.TryAdd(new ServiceDescriptor
            {
                ServiceType = typeof(TService),
                Factory = factory,
            });
        }

        public static void TryAddEnumerable(
            this IServiceCollection services, ServiceDescriptor service)
        {
            if (!services.Any(s => s.ServiceType == service.ServiceType &&
                s.Implementation == service.Implementation))
                services.Add(service);
        }

        internal static void TryAdd(
            this IServiceCollection services, ServiceDescriptor service)
        {
            if (!services.Any(s => s.ServiceType == service.ServiceType))
                services.Add(service);
        }
    }
}
