"""Where samples come from: tables, folders of media, IDX files, Hugging Face datasets."""
