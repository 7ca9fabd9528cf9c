using Microsoft.Extensions.Options;

namespace Hubd.Client.DependencyInjection
{
    /// <summary>Reports what is wrong with the options.</summary>
    internal sealed class HubOptionsValidator : IValidateOptions<HubOptions>
    {
        public ValidateOptionsResult Validate(string name, HubOptions options)
        {
            var problem = options.FindProblem();

            return problem == null
                ? ValidateOptionsResult.Success
                : ValidateOptionsResult.Fail($"Hub: {problem}");
        }
    }
}
