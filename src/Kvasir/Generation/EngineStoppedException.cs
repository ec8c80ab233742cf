namespace Kvasir.Generation;

/// <summary>The engine is being stopped, or has stopped over a fault: it begins nothing any more, or could not go on.</summary>
public sealed class EngineStoppedException(string message, Exception? innerException = null) : KvasirException(message, innerException);
