namespace Kvasir.Training.Demonstration;

/// <summary>
/// What is trained on, and what is kept from training: some kinds of document, the last wording of every fact, some names.
/// </summary>
internal enum Split
{
    Train,
    Test,
}
