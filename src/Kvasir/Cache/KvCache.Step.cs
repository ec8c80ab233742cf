namespace Kvasir.Cache;

/// <content>The one way in which computed rows get into a cache.</content>
public sealed partial class KvCache
{
    private Step? _step;

    /// <summary>Begins to append <paramref name="tokens"/> tokens. Their budget is taken before anything is changed.</summary>
    /// <param name="tokens">How many.</param>
    /// <param name="passBytes">What the forward pass needs of the pool besides.</param>
    /// <exception cref="KvBudgetExceededException">The pool's budget does not hold them; nothing was changed.</exception>
    /// <exception cref="DamagedKvException">Under a budget: a placed file, not checked before, is damaged; nothing was changed.</exception>
    internal Step BeginStep(int tokens, long passBytes = 0) => (_step ??= new Step(this)).Begin(tokens, passBytes, repairs: false);

    /// <summary>Begins to fill the rows that <see cref="Repair"/> has made room for.</summary>
    /// <exception cref="KvBudgetExceededException">The pool's budget does not hold <paramref name="passBytes"/>; nothing was
    /// changed.</exception>
    internal Step BeginRepairStep(long passBytes = 0) => (_step ??= new Step(this)).Begin(0, passBytes, repairs: true);

    /// <summary>
    /// New rows on their way through the layers, in one run or several (the slices of a forward pass): a layer is opened, its rows are
    /// written by any threads, its heads are sealed, and <see cref="Advance"/> ends the run. The tokens of a step that is not committed are
    /// forgotten in all layers when it is disposed; of the tokens before it, what earlier runs of it have sealed stays encoded. A cache has
    /// one step at a time, and uses the same object for all.
    /// </summary>
    internal sealed unsafe class Step(KvCache cache) : IDisposable
    {
        private int _start, _run, _repaired;
        private long _reserved;
        private bool _isOpen, _isCommitted, _repairs;

        /// <summary>Makes room in a layer for the rows of this run. By one thread.</summary>
        public void Open(int layer, int rows)
        {
            _run = rows;
            if (_repairs) return;
            cache.MakeRoom(layer, rows);
            cache._layers[layer].Open(rows);
        }

        /// <summary>Writes row <paramref name="row"/> of this run; different rows and heads may be written by different threads.</summary>
        /// <param name="layer">An open layer.</param>
        /// <param name="kvHead">The kv head.</param>
        /// <param name="row">Counted from the run's first.</param>
        /// <param name="key">[key channels]</param>
        /// <param name="value">[value channels]</param>
        public void Write(int layer, int kvHead, int row, float* key, float* value)
        {
            HeadCache head = cache._layers[layer].Heads[kvHead];
            if (!_repairs)
            {
                head.Tail.Write(head.Tail.TokenCount - _run + row, key, value);
                return;
            }
            RepairedRows rows = head.Repaired!;
            rows.Rows.Write(rows.Positions.CountUpTo(cache.Repaired![_repaired + row]) - 1, key, value);
        }

        /// <summary>
        /// Encodes what the policy does not keep in float any longer. Different heads may be sealed by different threads.
        /// </summary>
        public void Seal(int layer, int kvHead) => cache._layers[layer].Heads[kvHead].Seal();

        /// <summary>Ends a run of <paramref name="rows"/> rows: all layers hold them.</summary>
        public void Advance(int rows)
        {
            if (_repairs) _repaired += rows;
            else cache.Length += rows;
        }

        /// <summary>Keeps what was written.</summary>
        public void Commit() => _isCommitted = true;

        /// <summary>Gives back the budget, and undoes what is not committed.</summary>
        public void Dispose()
        {
            if (!_isOpen) return;
            _isOpen = false;
            if (_reserved > 0) cache.Pool.Release(_reserved);
            if (_isCommitted) return;
            cache.Rollback(_start);
            cache.Observed?.Restore();
        }

        internal Step Begin(int tokens, long passBytes, bool repairs)
        {
            if (_isOpen) throw new InvalidOperationException("the cache has a step under way");
            _reserved = 0;
            if (cache.Pool.Budget != long.MaxValue)
            {
                // A pass that checks files on its way keeps all layers' new rows in float meanwhile, for which no budget is reserved.
                cache._files.Verify();
                long bytes = cache.MostGrowthBytes(tokens) + passBytes;
                cache.Pool.Reserve(bytes);
                _reserved = bytes;
            }
            if (!repairs) cache.Observed?.Remember();
            (_start, _run, _repaired, _isOpen, _isCommitted, _repairs) = (cache.Length, 0, 0, true, false, repairs);
            return this;
        }
    }
}
