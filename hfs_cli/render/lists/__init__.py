"""What is kept, shown: sessions, transcripts, searches, timelines, numbers."""
