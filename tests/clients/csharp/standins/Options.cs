using System;
using System.Collections.Generic;
using System.ComponentModel;
using System.Linq;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace Microsoft.Extensions.Options
{
    public interface IOptionsMonitor<TOptions>
    {
        TOptions CurrentValue { get; }
    }

    public interface IValidateOptions<TOptions>
        where TOptions : class
    {
        ValidateOptionsResult Validate(string name, TOptions options);
    }

    public sealed class ValidateOptionsResult
    {
        public static readonly ValidateOptionsResult Success =
            new ValidateOptionsResult();

        internal string Failure;

        public static ValidateOptionsResult Fail(string failureMessage)
        {
            return new ValidateOptionsResult { Failure = failureMessage };
        }
    }

    public sealed class OptionsValidationException : Exception
    {
        internal OptionsValidationException(IEnumerable<string> failures)
            : base(string.Join("; ", failures))
        {
            Failures = failures;
        }

        public IEnumerable<string> Failures { get; }
    }

    internal sealed class Configuration<TOptions>
    {
        public Action<TOptions> Set;
        public IReloads Source;
    }

    internal sealed class OptionsMonitor<TOptions> : IOptionsMonitor<TOptions>
        where TOptions : class, new()
    {
        private readonly IEnumerable<Configuration<TOptions>> _configurations;
        private readonly IEnumerable<IValidateOptions<TOptions>> _validators;
        private TOptions _value;

        public OptionsMonitor(
            IEnumerable<Configuration<TOptions>> configurations,
            IEnumerable<IValidateOptions<TOptions>> validators)
        {
            _configurations = configurations;
            _validators = validators;
            foreach (var one in configurations.Where(c => c.Source != null))
                one.Source.OnReload(() => _value = null);
        }

        public TOptions CurrentValue => _value ?? (_value = Make());

        private TOptions Make()
        {
            var options = new TOptions();

            foreach (var one in _configurations)
                one.Set(options);
            var failures = _validators
                .Select(v => v.Validate("", options).Failure)
                .Where(f => f != null).ToArray();
            return failures.Length == 0
                ? options
                : throw new OptionsValidationException(failures);
        }
    }
}

namespace Microsoft.Extensions.DependencyInjection
{
    public static class OptionsServiceCollectionExtensions
    {
        public static IServiceCollection Configure<TOptions>(
            this IServiceCollection services, Action<TOptions> configure)
            where TOptions : class, new()
        {
            return services.Add(
                new Configuration<TOptions> { Set = configure });
        }

        internal static IServiceCollection Add<TOptions>(
            this IServiceCollection services, Configuration<TOptions> one)
            where TOptions : class, new()
        {
            services.Add(new ServiceDescriptor
            {
                ServiceType = typeof(Configuration<TOptions>),
                Factory = provider => one,
            });
            services.TryAdd(new ServiceDescriptor
            {
                ServiceType = typeof(IOptionsMonitor<TOptions>),
                Implementation = typeof(OptionsMonitor<TOptions>),
            });
            return services;
        }
    }

    public static class OptionsConfigurationServiceCollectionExtensions
    {
        public static IServiceCollection Configure<TOptions>(
            this IServiceCollection services, IConfiguration config)
            where TOptions : class, new()
        {
            return services.Add(new Configuration<TOptions>
            {
                Set = options => Bind(config, options),
                Source = (IReloads)config,
            });
        }

        private static void Bind(IConfiguration config, object options)
        {
            foreach (var property in options.GetType().GetProperties())
            {
                var text = config[property.Name];
                if (text != null)
                    property.SetValue(options, TypeDescriptor
                        .GetConverter(property.PropertyType)
                        .ConvertFromInvariantString(text));
            }
        }
    }
}
