"""SSD for detforge."""
