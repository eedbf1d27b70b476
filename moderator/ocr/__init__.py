"""What is written in pictures: found, read and handed to the text encoder as the channel `ocr`."""
