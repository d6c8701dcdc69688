"""The original study's scores as its authors published them, and the means on their page; see SOURCE.md."""
