#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace chronotile::manifest {

/// A recording and what is said in it.
struct Entry {
  std::filesystem::path file;  ///< absolute, or relative to the working directory as the manifest was
  std::string label;           ///< class or transcript, without blanks around it
  std::string place;           ///< FILE:LINE of the manifest, or the folder: for messages
};

/// Reads a manifest: one `path<TAB>label` per line, paths relative to the manifest, in the order of the lines. Empty
/// lines and lines that begin with '#' are skipped; CR LF line ends and a UTF-8 byte order mark are tolerated. Throws
/// UserError with file and line for a line without a tab, without a path or label, or whose recording does not exist,
/// and with the file if it is absent or lists nothing.
[[nodiscard]] std::vector<Entry> read_tsv(const std::filesystem::path& file);

/// Reads a directory of class folders of WAV (or FLAC) files, as Speech Commands has it, in sorted order. A folder
/// named as one of `classes` (with or without underscores around it: _silence_) is that class; another word's folder is
/// class "unknown" if `classes` has it; _background_noise_, other folders with a leading underscore and hidden ones are
/// skipped. If the directory has a testing_list.txt, only the recordings it names are taken. Throws UserError if
/// nothing is found, if a listed recording does not exist, or for a folder that is no class while "unknown" is none
/// either.
[[nodiscard]] std::vector<Entry> read_class_folders(const std::filesystem::path& directory,
                                                    const std::vector<std::string>& classes);

/// read_class_folders() for a directory, read_tsv() for anything else.
[[nodiscard]] std::vector<Entry> read(const std::filesystem::path& path, const std::vector<std::string>& classes);

}  // namespace chronotile::manifest
