namespace Kvasir;

/// <summary>
/// The user's input (a file, a flag, a policy, a prompt) cannot be used. The message is one clear line that names
/// the thing, the place and the mend; the command line prints it as it is and exits with 2.
/// </summary>
public class InvalidInputException : Exception
{
    /// <inheritdoc cref="InvalidInputException"/>
    public InvalidInputException(string message) : base(message) { }

    /// <inheritdoc cref="InvalidInputException"/>
    public InvalidInputException(string message, Exception innerException) : base(message, innerException) { }

    /// <inheritdoc cref="InvalidInputException"/>
    public InvalidInputException() { }
}
