"""OpenDocument, RTF, and old formats through LibreOffice."""
