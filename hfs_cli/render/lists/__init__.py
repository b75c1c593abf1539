"""Show what is kept: sessions, transcripts, search results, timelines, statistics."""
