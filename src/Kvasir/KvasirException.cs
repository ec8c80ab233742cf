namespace Kvasir;

/// <summary>
/// What this library throws when something outside of it is wrong: its input, a damaged file, a budget. The message is one clear line for
/// the user.
/// </summary>
public abstract class KvasirException(string message, Exception? innerException = null) : Exception(message, innerException);
