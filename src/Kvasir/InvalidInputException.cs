namespace Kvasir;

/// <summary>
/// The user's input (a file, a flag, a policy, a prompt) cannot be used. The message names the thing, the place and the mend.
/// </summary>
public class InvalidInputException(string message, Exception? innerException = null) : KvasirException(message, innerException);
