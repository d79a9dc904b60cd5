"""Which words, facts and past reports an answer rests on."""
