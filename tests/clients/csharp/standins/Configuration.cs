using System;
using System.Collections.Generic;
using System.Linq;

namespace Microsoft.Extensions.Configuration
{
    public interface IConfiguration
    {
        string this[string key] { get; set; }

        IConfigurationSection GetSection(string key);
    }

    public interface IConfigurationSection : IConfiguration
    {
    }

    public interface IConfigurationRoot : IConfiguration
    {
        void Reload();
    }

    public sealed class ConfigurationBuilder
    {
        internal readonly Dictionary<string, string> Values =
            new Dictionary<string, string>();

        public IConfigurationRoot Build()
        {
            return new Root { Values = Values };
        }

        private sealed class Root : IConfigurationRoot
        {
            public Dictionary<string, string> Values;

            public event Action Reloaded;

            public string this[string key]
            {
                get => Values.TryGetValue(key, out var value) ? value : null;
                set => Values[key] = value;
            }

            public IConfigurationSection GetSection(string key)
            {
                return new Section { Root = this, Prefix = key + ":" };
            }

            public void Reload()
            {
                Reloaded?.Invoke();
            }
        }

        private sealed class Section : IConfigurationSection, IReloads
        {
            public Root Root;
            public string Prefix;

            public string this[string key]
            {
                get => Root[Prefix + key];
                set => Root[Prefix + key] = value;
            }

            public IConfigurationSection GetSection(string key)
            {
                return Root.GetSection(Prefix + key);
            }

            public void OnReload(Action action)
            {
                Root.Reloaded += action;
            }
        }
    }

    internal interface IReloads
    {
        void OnReload(Action action);
    }

    public static class MemoryConfigurationBuilderExtensions
    {
        public static ConfigurationBuilder AddInMemoryCollection(
            this ConfigurationBuilder builder,
            IEnumerable<KeyValuePair<string, string>> values)
        {
            foreach (var value in values)
                builder.Values[value.Key] = value.Value;
            return builder;
        }
    }
}
